package value

var listOps = typeOps{}
