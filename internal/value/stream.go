package value

var streamOps = typeOps{}
