package luavm

// builder builds a string piece by piece. What it holds counts as the run's memory before it is allocated. The machine keeps
// the memory of one that was short for the next.
type builder struct {
	vm  *machine
	buf []byte
}

// keepBuilder is the largest buffer that is kept.
const keepBuilder = 4 << 10

func (vm *machine) newBuilder() *builder {
	b := &builder{vm, vm.spareBuf}
	vm.spareBuf = nil
	vm.pinned += int64(cap(b.buf)) // charged when it was allocated
	return b
}

// room makes space for n more bytes.
func (b *builder) room(n int) {
	if n <= cap(b.buf)-len(b.buf) {
		return
	}
	size := max(2*cap(b.buf), len(b.buf)+n, 64)
	b.vm.pin(size)
	grown := make([]byte, len(b.buf), size)
	copy(grown, b.buf)
	b.vm.unpin(cap(b.buf))
	b.buf = grown
}

func (b *builder) add(s string) {
	b.vm.spend(len(s) / 64)
	b.room(len(s))
	b.buf = append(b.buf, s...)
}

func (b *builder) addByte(c byte) {
	if len(b.buf) == cap(b.buf) {
		b.room(1)
	}
	b.buf = append(b.buf, c)
}

// text gives what was built and ends the builder.
func (b *builder) text() string {
	s := string(b.buf)
	b.drop()
	return s
}

// value is text as a Lua string.
func (b *builder) value() value {
	v := b.vm.newBytes(b.buf)
	b.drop()
	return v
}

func (b *builder) drop() {
	b.vm.unpin(cap(b.buf))
	if cap(b.buf) <= keepBuilder {
		b.vm.spareBuf = b.buf[:0]
	}
	b.buf = nil
}
