package value

var setOps = typeOps{}
