package value

var hashOps = typeOps{}
