package darter

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBits(t *testing.T) {
	c := newTestCache(t, Options{})
	b := c.Bits("k")
	on, err := b.Get(5)
	require.NoError(t, err)
	require.False(t, on)
	n, err := b.Count()
	require.NoError(t, err)
	require.Zero(t, n)
	at, err := b.Pos(true, 0)
	require.NoError(t, err)
	require.Equal(t, int64(-1), at)
	at, err = b.Pos(false, 3)
	require.NoError(t, err)
	require.Equal(t, int64(3), at)

	for _, at := range []int64{0, 7, 8, 9, 100} {
		was, err := b.Set(at, true)
		require.NoError(t, err)
		require.False(t, was)
		was, err = b.Set(at, true)
		require.NoError(t, err)
		require.True(t, was)
	}
	holds(t, c, "k", "\x81\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08")
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	_, err = b.Set(8, false)
	require.NoError(t, err)

	for _, x := range []struct {
		b                  Bits
		count, tail, clear int64
	}{{b, 4, 2, 8}, {snap.Bits("k"), 5, 3, 10}} {
		n, err := x.b.Count()
		require.NoError(t, err)
		require.Equal(t, x.count, n)
		n, err = x.b.CountRange(8, -1)
		require.NoError(t, err)
		require.Equal(t, x.tail, n)
		n, err = x.b.CountRange(math.MinInt64, math.MaxInt64)
		require.NoError(t, err)
		require.Equal(t, x.count, n)
		n, err = x.b.CountRange(50, 20)
		require.NoError(t, err)
		require.Zero(t, n)
		at, err := x.b.Pos(true, 10)
		require.NoError(t, err)
		require.Equal(t, int64(100), at)
		at, err = x.b.Pos(true, 101)
		require.NoError(t, err)
		require.Equal(t, int64(-1), at)
		at, err = x.b.PosRange(true, 10, 99)
		require.NoError(t, err)
		require.Equal(t, int64(-1), at)
		at, err = x.b.PosRange(false, 7, 20)
		require.NoError(t, err)
		require.Equal(t, x.clear, at)
		at, err = x.b.Pos(false, 5000)
		require.NoError(t, err)
		require.Equal(t, int64(5000), at)
	}
}

func TestBitOps(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "a", "foobar")
	mustSet(t, c, "b", "abc")
	for _, x := range []struct {
		op   BitOp
		from []string
		want string
	}{
		{BitAnd, []string{"a", "b"}, "`bc\x00\x00\x00"},
		{BitOr, []string{"a", "b"}, "goobar"},
		{BitXor, []string{"a", "b", "none"}, "\x07\x0d\x0cbar"},
		{BitNot, []string{"b"}, "\x9e\x9d\x9c"},
		{BitAnd, []string{"none"}, ""},
	} {
		require.NoError(t, c.Set("to", []byte("before")))
		_, err := c.Expire("to", time.Hour)
		require.NoError(t, err)
		n, err := c.Bits("to").Op(x.op, x.from...)
		require.NoError(t, err)
		require.Equal(t, len(x.want), n)
		holds(t, c, "to", x.want)
		if n > 0 {
			ttl, err := c.TTL("to")
			require.NoError(t, err)
			require.Equal(t, NoExpiry, ttl)
		}
	}
	n, err := c.Bits("a").Op(BitXor, "a", "a")
	require.NoError(t, err)
	require.Equal(t, 6, n)
	holds(t, c, "a", "\x00\x00\x00\x00\x00\x00")
}

func TestBitFields(t *testing.T) {
	c := newTestCache(t, Options{})
	b := c.Bits("k")
	f := BitField{Offset: 12, Width: 5, Signed: true}
	old, err := b.SetField(f, -7)
	require.NoError(t, err)
	require.Zero(t, old)
	n, err := b.Field(f)
	require.NoError(t, err)
	require.Equal(t, int64(-7), n)
	n, ok, err := b.IncrField(f, 100, BitSaturate)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, int64(15), n)
	_, ok, err = b.IncrField(f, 1, BitRefuse)
	require.NoError(t, err)
	require.False(t, ok)
	n, ok, err = b.IncrField(f, 1, BitWrap)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, int64(-16), n)
	old, err = b.SetField(f, 33)
	require.NoError(t, err)
	require.Equal(t, int64(-16), old)
	n, err = b.Field(f)
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
	n, err = c.Bits("none").Field(f)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestBitsErrors(t *testing.T) {
	c := newTestCache(t, Options{})
	b := c.Bits("k")
	_, err := b.Get(-1)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = b.Set(-1, true)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = b.Set(math.MaxInt64, true)
	require.Equal(t, ErrTooLong, err)
	_, err = b.Get(math.MaxInt64)
	require.NoError(t, err)
	for _, f := range []BitField{
		{Width: 0}, {Width: 64}, {Width: 65, Signed: true}, {Width: -1}, {Width: 8, Offset: -1}, {Width: 8, Offset: math.MaxInt64},
	} {
		_, err = b.Field(f)
		require.ErrorIs(t, err, ErrInvalid)
		_, err = b.SetField(f, 1)
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, err = b.SetField(BitField{Width: 8, Offset: math.MaxInt64 - 100}, 1)
	require.Equal(t, ErrTooLong, err)
	_, _, err = b.IncrField(BitField{Width: 8}, 1, 3)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = b.Op(BitNot, "a", "b")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = b.Op(BitAnd)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = b.Op(4, "a")
	require.ErrorIs(t, err, ErrInvalid)

	snap, err := c.Snapshot()
	require.NoError(t, err)
	_, err = snap.Bits("k").Set(1, true)
	require.Equal(t, ErrReadOnly, err)
	_, err = snap.Bits("k").Op(BitOr, "a")
	require.Equal(t, ErrReadOnly, err)
	snap.Close()
	_, err = snap.Bits("k").Get(1)
	require.Equal(t, ErrClosed, err)

	mustSet(t, c, "k", strings.Repeat("v", 1<<20))
	c.SetMaxMemory(1)
	_, err = b.Set(1, true)
	require.Equal(t, ErrOutOfMemory, err)
	_, err = b.Op(BitOr, "k")
	require.Equal(t, ErrOutOfMemory, err)
	_, err = b.Get(1)
	require.NoError(t, err)
	c.SetMaxMemory(0)
	_, err = b.Set(1, true)
	require.NoError(t, err)
}
