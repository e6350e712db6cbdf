package luavm

// table is a Lua table: an array for the keys 1, 2, 3, ... and a hash for all others.
//
// The hash is a list of nodes in the order of insertion and, from nodesUnindexed on, an index over it: open addressing,
// linear probing, each slot the node's number plus 1. A node whose value became nil stays, so that a traversal goes on
// behind it; nodes without a value are dropped when the list would grow. Nothing else moves nodes, so next() is right
// while fields are changed or cleared, as Lua promises, and two runs of a script see one order.
//
// A key that continues the array goes to the array, and takes along the keys behind it that the hash held.
//
// No table of a script is used by two states. Tables of the libraries are readonly and belong to one state.
type table struct {
	object
	readonly bool
	// absent has a bit for each metamethod that this table, used as a metatable, is known to lack.
	absent uint8
	array  []value
	nodes  []node
	index  []uint32
	live   int // nodes that hold a value
	meta   *table
}

type node struct {
	key, val value
}

const (
	// nodesUnindexed is the number of nodes found faster by looking at each.
	nodesUnindexed = 8
	// maxArray bounds the array; larger keys go to the hash.
	maxArray = 1 << 26

	tableSize = 128 // bytes of an empty table, for the accounting
	valueSize = 24
	nodeSize  = 2 * valueSize
	slotSize  = 4
)

func (vm *machine) newTable(arrayHint, hashHint int) *table {
	vm.charge(tableSize + arrayHint*valueSize + hashHint*nodeSize)
	t := &table{}
	if arrayHint > 0 {
		t.array = make([]value, 0, arrayHint)
	}
	if hashHint > 0 {
		t.nodes = make([]node, 0, hashHint)
	}
	return t
}

// getInt is the value at an integer key.
func (t *table) getInt(n int) value {
	if uint(n-1) < uint(len(t.array)) {
		return t.array[n-1]
	}
	if t.live == 0 {
		return value{}
	}
	return t.getNumber(float64(n))
}

func (t *table) getNumber(f float64) value {
	if t.index == nil {
		for i := range t.nodes {
			if k := &t.nodes[i].key; k.isNumber() && k.num == f {
				return t.nodes[i].val
			}
		}
		return value{}
	}
	if i := t.probe(hashNumber(f), number(f)); i >= 0 {
		return t.nodes[i].val
	}
	return value{}
}

// getStr is the value at a string key.
func (t *table) getStr(key *str) value {
	if t.index == nil {
		for i := range t.nodes {
			if k, ok := t.nodes[i].key.ref.(*str); ok && (k == key || k.s == key.s) {
				return t.nodes[i].val
			}
		}
		return value{}
	}
	h := key.hashed()
	mask := uint32(len(t.index) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		n := t.index[i]
		if n == 0 {
			return value{}
		}
		if k, ok := t.nodes[n-1].key.ref.(*str); ok && (k == key || k.hash == h && k.s == key.s) {
			return t.nodes[n-1].val
		}
	}
}

// get is the value at any key, without metamethods.
func (vm *machine) get(t *table, key value) value {
	switch k := key.ref.(type) {
	case *str:
		return t.getStr(k)
	case numberTag:
		if n, ok := exactInt(key.num); ok {
			return t.getInt(n)
		}
		if t.live == 0 {
			return value{}
		}
		return t.getNumber(key.num)
	case nil:
		return value{}
	}
	if i := vm.find(t, key); i >= 0 {
		return t.nodes[i].val
	}
	return value{}
}

// find is the number of the key's node, -1 if there is none.
func (vm *machine) find(t *table, key value) int {
	if t.index == nil {
		for i := range t.nodes {
			if rawEqual(t.nodes[i].key, key) {
				return i
			}
		}
		return -1
	}
	return t.probe(vm.hashValue(key), key)
}

func (t *table) probe(h uint32, key value) int {
	mask := uint32(len(t.index) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		n := t.index[i]
		if n == 0 {
			return -1
		}
		if rawEqual(t.nodes[n-1].key, key) {
			return int(n - 1)
		}
	}
}

// set stores v at key, without metamethods and without asking for readonly. The key is neither nil nor NaN.
func (vm *machine) set(t *table, key, v value) {
	if key.isNumber() {
		if n, ok := exactInt(key.num); ok {
			vm.setInt(t, n, v)
			return
		}
	}
	t.absent = 0
	if i := vm.find(t, key); i >= 0 {
		t.put(i, v)
	} else if !v.isNil() {
		vm.insert(t, key, v)
	}
}

// setStr is set for a string key.
func (vm *machine) setStr(t *table, key *str, v value) {
	vm.set(t, value{ref: key}, v)
}

// setInt is set for an integer key.
func (vm *machine) setInt(t *table, n int, v value) {
	if uint(n-1) < uint(len(t.array)) {
		t.array[n-1] = v
		return
	}
	if n == len(t.array)+1 && n <= maxArray {
		if t.live > 0 {
			if i := vm.find(t, integer(n)); i >= 0 {
				t.put(i, value{})
			}
		}
		if !v.isNil() {
			vm.extend(t, v)
		}
		return
	}
	key := integer(n)
	if i := vm.find(t, key); i >= 0 {
		t.put(i, v)
	} else if !v.isNil() {
		vm.insert(t, key, v)
	}
}

func (t *table) put(i int, v value) {
	n := &t.nodes[i]
	switch {
	case n.val.isNil() && !v.isNil():
		t.live++
	case !n.val.isNil() && v.isNil():
		t.live--
	}
	n.val = v
}

// extend appends v to the array, and then the values that the hash holds for the keys behind.
func (vm *machine) extend(t *table, v value) {
	vm.appendArray(t, v)
	for t.live > 0 {
		i := vm.find(t, integer(len(t.array)+1))
		if i < 0 || t.nodes[i].val.isNil() {
			return
		}
		vm.appendArray(t, t.nodes[i].val)
		t.put(i, value{})
	}
}

func (vm *machine) appendArray(t *table, v value) {
	if len(t.array) == cap(t.array) {
		vm.growArray(t, len(t.array)+1)
	}
	t.array = append(t.array, v)
}

// growArray makes room for n values, at least twice of what there was.
func (vm *machine) growArray(t *table, n int) {
	if n <= cap(t.array) {
		return
	}
	n = max(n, min(2*cap(t.array), maxArray), 4)
	vm.charge(n * valueSize)
	grown := make([]value, len(t.array), n)
	copy(grown, t.array)
	t.array = grown
}

// setList stores values at first, first+1, ..., as a table constructor does; nils inside the array stay there.
func (vm *machine) setList(t *table, first int, values []value) {
	if first != len(t.array)+1 || len(t.array)+len(values) > maxArray {
		for i, v := range values {
			vm.setInt(t, first+i, v)
		}
		return
	}
	vm.growArray(t, len(t.array)+len(values))
	t.array = append(t.array, values...)
}

// insert adds a key that is not there.
func (vm *machine) insert(t *table, key, v value) {
	if len(t.nodes) == cap(t.nodes) {
		vm.rehash(t)
	}
	t.nodes = append(t.nodes, node{key, v})
	t.live++
	if t.index != nil {
		t.enter(vm.hashValue(key), uint32(len(t.nodes)))
	} else if len(t.nodes) > nodesUnindexed {
		vm.reindex(t)
	}
}

// rehash drops nodes without a value, and doubles the list if that does not make room.
func (vm *machine) rehash(t *table) {
	size := cap(t.nodes)
	if t.live >= size-size/4 {
		size = max(2*size, 1)
		if size == 2 {
			size = 4
		}
	}
	vm.charge(size * nodeSize)
	grown := make([]node, 0, size)
	for i := range t.nodes {
		if !t.nodes[i].val.isNil() {
			grown = append(grown, t.nodes[i])
		}
	}
	t.nodes = grown
	t.index = nil
	if len(t.nodes) >= nodesUnindexed {
		vm.reindex(t)
	}
}

// reindex builds the index for as many nodes as the list has room for, at most half full.
func (vm *machine) reindex(t *table) {
	size := 2 * nodesUnindexed
	for size < 2*cap(t.nodes) {
		size *= 2
	}
	vm.charge(size * slotSize)
	t.index = make([]uint32, size)
	for i := range t.nodes {
		t.enter(vm.hashValue(t.nodes[i].key), uint32(i+1))
	}
}

func (t *table) enter(h, n uint32) {
	mask := uint32(len(t.index) - 1)
	i := h & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = n
}

// length is a border: a n with t[n] not nil and t[n+1] nil, or 0.
func (t *table) length() int {
	n := len(t.array)
	if n > 0 && t.array[n-1].isNil() {
		low := 0 // t[low] is not nil, or low is 0; t[n] is nil
		for n-low > 1 {
			if m := (low + n) / 2; t.array[m-1].isNil() {
				n = m
			} else {
				low = m
			}
		}
		return low
	}
	if t.live == 0 {
		return n
	}
	for !t.getNumber(float64(n + 1)).isNil() {
		n++ // only keys past maxArray, or set before the array reached them, are found here
	}
	return n
}

// next is the entry behind key in the order of traversal, the first one for nil; ok is false for a key that is not
// there. At the end the key is nil.
func (vm *machine) next(t *table, key value) (k, v value, ok bool) {
	i := 0
	if !key.isNil() {
		n, isInt := 0, false
		if key.isNumber() {
			n, isInt = exactInt(key.num)
		}
		if isInt && uint(n-1) < uint(len(t.array)) {
			i = n
		} else if i = vm.find(t, key); i >= 0 {
			i += len(t.array) + 1
		} else {
			return value{}, value{}, false
		}
	}
	for ; i < len(t.array); i++ {
		if !t.array[i].isNil() {
			return integer(i + 1), t.array[i], true
		}
	}
	for j := i - len(t.array); j < len(t.nodes); j++ {
		if n := &t.nodes[j]; !n.val.isNil() {
			return n.key, n.val, true
		}
	}
	return value{}, value{}, true
}

// size is the number of bytes the table holds, what its values refer to not counted.
func (t *table) size() int {
	return tableSize + cap(t.array)*valueSize + cap(t.nodes)*nodeSize + len(t.index)*slotSize
}
