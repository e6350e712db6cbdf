package value

var sortedSetOps = typeOps{}
