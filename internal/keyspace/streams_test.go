package keyspace

import (
	"hash/maphash"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// TestStreamEvents looks at what is announced of each operation, and what isn't.
func TestStreamEvents(t *testing.T) {
	w := newWorld(t)
	rec := &recorder{}
	shard := w.shards[0]
	shard.Observer = rec
	db, err := shard.Open(0)
	require.NoError(t, err)
	key, group, ann := []byte("s"), []byte("g"), []byte("ann")
	h := maphash.Bytes(shard.Seed, key)
	pairs := [][]byte{[]byte("a"), []byte("1")}
	step := func(what string, fn func() error, want ...string) {
		t.Helper()
		rec.events = nil
		require.NoError(t, fn(), what)
		require.Equal(t, want, rec.events, what)
	}
	id := func(ms uint64) value.StreamID { return value.StreamID{Ms: ms} }
	add := func(ms uint64, o StreamAdd) func() error {
		return func() error {
			o.ID, o.Given = id(ms), true
			_, _, err := db.StreamAdd(h, key, pairs, &o)
			return err
		}
	}
	step("add to none", add(1, StreamAdd{NoMake: true}))
	step("add", add(1, StreamAdd{}), "0 xadd s")
	step("add and trim", add(2, StreamAdd{Trim: value.StreamTrim{By: value.TrimMaxLen, MaxLen: 1}}),
		"0 xadd s", "0 xtrim s")
	step("add and trim nothing", add(3, StreamAdd{Trim: value.StreamTrim{By: value.TrimMaxLen, MaxLen: 9}}), "0 xadd s")
	step("delete none", func() error { _, err := db.StreamDelete(h, key, []value.StreamID{id(9)}); return err })
	step("delete", func() error { _, err := db.StreamDelete(h, key, []value.StreamID{id(2)}); return err }, "0 xdel s")
	step("trim nothing", func() error {
		_, err := db.StreamTrim(h, key, &value.StreamTrim{By: value.TrimMaxLen, MaxLen: 9})
		return err
	})
	step("make a group", func() error { return db.GroupCreate(h, key, group, &GroupStart{}, false) }, "0 xgroup-create s")
	step("set its ID", func() error { return db.GroupSetID(h, key, group, &GroupStart{}) }, "0 xgroup-setid s")
	step("read as a new consumer", func() error {
		d, err := db.GroupRead(h, key, group, ann, 0, false)
		require.Equal(t, Delivery{Count: 1}, d)
		return err
	}, "0 xgroup-createconsumer s")
	step("read again", func() error { _, err := db.GroupRead(h, key, group, ann, 0, false); return err })
	step("read the history", func() error { _, err := db.GroupHistory(h, key, group, ann, id(0), 0); return err })
	step("claim", func() error {
		_, err := db.GroupClaim(nil, h, key, group, []byte("bob"), []value.StreamID{id(3)}, &StreamClaim{Count: -1})
		return err
	}, "0 xgroup-createconsumer s")
	step("claim of itself", func() error {
		r, err := db.GroupAutoClaim(AutoClaimed{}, h, key, group, ann, id(0), 10, &StreamClaim{Count: -1})
		require.Equal(t, []value.StreamID{id(3)}, r.Claimed)
		return err
	})
	step("acknowledge", func() error {
		n, err := db.GroupAck(h, key, group, []value.StreamID{id(3)})
		require.Equal(t, 1, n)
		return err
	})
	step("make a consumer", func() error { _, err := db.ConsumerCreate(h, key, group, []byte("cid")); return err },
		"0 xgroup-createconsumer s")
	step("make it again", func() error { _, err := db.ConsumerCreate(h, key, group, []byte("cid")); return err })
	step("delete it", func() error { _, err := db.ConsumerDelete(h, key, group, []byte("cid")); return err },
		"0 xgroup-delconsumer s")
	step("delete it again", func() error { _, err := db.ConsumerDelete(h, key, group, []byte("cid")); return err })
	step("trim all", func() error {
		_, err := db.StreamTrim(h, key, &value.StreamTrim{By: value.TrimMaxLen})
		return err
	}, "0 xtrim s")
	step("set the ID", func() error { return db.StreamSetID(h, key, &StreamSetID{Last: id(9), Added: -1}) }, "0 xsetid s")
	step("destroy", func() error { _, err := db.GroupDestroy(h, key, group); return err }, "0 xgroup-destroy s")
	step("destroy again", func() error { _, err := db.GroupDestroy(h, key, group); return err })
	require.True(t, db.Look(h, key).Found(), "an empty stream stays")
	step("delete the key", func() error { _, err := db.Del(h, key); return err }, "0 del s")
	require.Equal(t, errs.NoSuchKey, db.GroupCreate(h, key, group, &GroupStart{}, false))
	step("make stream and group", func() error { return db.GroupCreate(h, key, group, &GroupStart{}, true) },
		"0 xgroup-create s")
}
