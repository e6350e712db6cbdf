package luavm

import "math"

var tableFunctions = []entry{
	{"concat", tableConcat},
	{"foreach", tableForeach},
	{"foreachi", tableForeachi},
	{"getn", tableGetn},
	{"insert", tableInsert},
	{"maxn", tableMaxn},
	{"remove", tableRemove},
	{"setn", tableSetn},
	{"sort", tableSort},
}

// checkWritable is a table argument that is about to be changed.
func (t *thread) checkWritable(n int) *table {
	tab := t.checkTable(n)
	if tab.readonly {
		t.runError(readonlyText)
	}
	return tab
}

func tableConcat(t *thread) int {
	separator := t.optString(2, "")
	tab := t.checkTable(1)
	i := t.checkOptInt32(3, 1)
	last := t.checkOptInt32(4, tab.length())
	b := t.vm.newBuilder()
	var tmp [32]byte
	for ; i <= last; i++ {
		t.vm.spend(1)
		v := tab.getInt(i)
		switch x := v.ref.(type) {
		case *str:
			b.add(x.s)
		case numberTag:
			b.add(string(appendNumber(tmp[:0], v.num)))
		default:
			t.errorf("invalid value (%s) at index %d in table for 'concat'", v.typeName(), i)
		}
		if i != last {
			b.add(separator)
		}
	}
	t.push(b.value())
	return 1
}

func (t *thread) checkOptInt32(n, otherwise int) int {
	if t.none(n) {
		return otherwise
	}
	return t.checkInt32(n)
}

func tableForeach(t *thread) int {
	tab := t.checkTable(1)
	f := t.checkFunction(2)
	key := value{}
	for {
		k, v, ok := t.vm.next(tab, key)
		if !ok {
			t.runError("invalid key to 'next'")
		}
		if k.isNil() {
			return 0
		}
		if r := t.call1(f, k, v); !r.isNil() {
			t.push(r)
			return 1
		}
		key = k
	}
}

func tableForeachi(t *thread) int {
	tab := t.checkTable(1)
	f := t.checkFunction(2)
	n := tab.length()
	for i := 1; i <= n; i++ {
		if r := t.call1(f, integer(i), tab.getInt(i)); !r.isNil() {
			t.push(r)
			return 1
		}
	}
	return 0
}

func tableGetn(t *thread) int {
	t.push(integer(t.checkTable(1).length()))
	return 1
}

func tableSetn(t *thread) int {
	t.checkTable(1)
	t.errorf("'setn' is obsolete")
	return 0
}

func tableMaxn(t *thread) int {
	tab := t.checkTable(1)
	t.vm.spend(len(tab.array)/8 + len(tab.nodes))
	most := 0.0
	for i := len(tab.array); i > 0; i-- {
		if !tab.array[i-1].isNil() {
			most = float64(i)
			break
		}
	}
	for i := range tab.nodes {
		if n := &tab.nodes[i]; n.key.isNumber() && !n.val.isNil() {
			most = math.Max(most, n.key.num)
		}
	}
	t.push(number(most))
	return 1
}

func tableInsert(t *thread) int {
	tab := t.checkTable(1)
	end := tab.length() + 1
	switch t.nargs() {
	case 2:
		t.checkWritable(1)
		t.vm.setInt(tab, end, t.arg(2))
	case 3:
		pos := t.checkInt32(2)
		t.checkWritable(1)
		end = max(end, pos)
		t.shift(tab, pos, end-1, 1)
		t.vm.setInt(tab, pos, t.arg(3))
	default:
		t.errorf("wrong number of arguments to 'insert'")
	}
	return 0
}

func tableRemove(t *thread) int {
	tab := t.checkTable(1)
	end := tab.length()
	pos := t.checkOptInt32(2, end)
	if pos < 1 || pos > end {
		return 0
	}
	t.checkWritable(1)
	t.push(tab.getInt(pos))
	t.shift(tab, pos+1, end, -1)
	t.vm.setInt(tab, end, value{})
	return 1
}

// shift moves the values at from ... to by one place up or down.
func (t *thread) shift(tab *table, from, to, by int) {
	if from > to {
		return
	}
	t.vm.spend(int(min(int64(to)-int64(from), math.MaxInt32)) / 16)
	if by > 0 {
		t.vm.setInt(tab, to+1, tab.getInt(to))
		to--
	}
	if from >= 2 && to+1 <= len(tab.array) && from <= to {
		copy(tab.array[from-1+by:to+by], tab.array[from-1:to])
		return
	}
	if by > 0 {
		for i := to; i >= from; i-- {
			t.vm.spend(1)
			t.vm.setInt(tab, i+1, tab.getInt(i))
		}
		return
	}
	for i := from; i <= to; i++ {
		t.vm.spend(1)
		t.vm.setInt(tab, i-1, tab.getInt(i))
	}
}

// tableSort is the quicksort of Lua's own library, comparison by comparison: what a script sees of the order of equal
// elements, and of the calls of its function, is the same.
func tableSort(t *thread) int {
	tab := t.checkTable(1)
	n := tab.length()
	if !t.none(2) {
		t.checkFunction(2)
	}
	if n > 1 {
		if tab.readonly {
			t.runError(readonlyText)
		}
		s := sorter{t, tab, t.arg(2)}
		s.sort(1, n)
	}
	return 0
}

type sorter struct {
	t    *thread
	tab  *table
	less value // the script's function, or nil
}

func (s *sorter) before(a, b value) bool {
	s.t.vm.spend(1)
	if s.less.isNil() {
		return s.t.less(a, b)
	}
	return s.t.call1(s.less, a, b).truthy()
}

func (s *sorter) get(i int) value { return s.tab.getInt(i) }

func (s *sorter) set(i int, v value) { s.t.vm.setInt(s.tab, i, v) }

func (s *sorter) swap(i, j int) {
	a, b := s.get(i), s.get(j)
	s.set(i, b)
	s.set(j, a)
}

func (s *sorter) sort(lo, hi int) {
	for lo < hi {
		if s.before(s.get(hi), s.get(lo)) {
			s.swap(lo, hi)
		}
		if hi-lo == 1 {
			return
		}
		mid := int((uint(lo) + uint(hi)) / 2)
		if s.before(s.get(mid), s.get(lo)) {
			s.swap(mid, lo)
		} else if s.before(s.get(hi), s.get(mid)) {
			s.swap(mid, hi)
		}
		if hi-lo == 2 {
			return
		}
		p := s.partition(lo, hi, mid)
		// The smaller part is sorted by a call of its own, so calls nest no deeper than the logarithm.
		if p-lo < hi-p {
			s.sort(lo, p-1)
			lo = p + 1
		} else {
			s.sort(p+1, hi)
			hi = p - 1
		}
	}
}

// partition puts the element at mid between those that come before it and those behind; lo, mid and hi are in order.
func (s *sorter) partition(lo, hi, mid int) int {
	pivot := s.get(mid)
	s.swap(mid, hi-1)
	i, j := lo, hi-1
	for {
		for i++; s.before(s.get(i), pivot); i++ {
			if i > hi {
				s.t.errorf("invalid order function for sorting")
			}
		}
		for j--; s.before(pivot, s.get(j)); j-- {
			if j < lo {
				s.t.errorf("invalid order function for sorting")
			}
		}
		if j < i {
			break
		}
		s.swap(i, j)
	}
	s.swap(hi-1, i)
	return i
}

func (vm *machine) openTable(g *table) {
	lib := vm.newTable(0, 16)
	vm.fill(lib, tableFunctions)
	vm.define(g, "table", value{ref: lib})
}
