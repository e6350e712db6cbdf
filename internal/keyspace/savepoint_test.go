package keyspace

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// save begins a savepoint in all shards.
func (w *world) save() {
	if w.saved != nil {
		return
	}
	for _, s := range w.shards {
		require.NoError(w.t, s.Begin())
	}
	for i := range w.dbs {
		w.saved = append(w.saved, maps.Clone(w.dbs[i]))
	}
}

// checkCommitted compares what others find, while a savepoint is open, with what there was when it began.
func (w *world) checkCommitted() {
	if w.saved == nil {
		return
	}
	for _, s := range w.shards {
		s.AsCommitted(true)
	}
	for i, before := range w.saved {
		find := func(key string) Item {
			db := w.shards[shardOfKey(key)].DB(i)
			if db == nil {
				return Item{}
			}
			return db.FindUntouched(w.hash([]byte(key)), []byte(key))
		}
		for key, e := range before {
			it := find(key)
			if there := e.at == 0 || e.at > w.now; there != it.Found() {
				w.t.Fatalf("step %d: key %q in database %d: found is %v for others", w.steps, key, i, it.Found())
			} else if there {
				w.sameItem(e, key, it.Key(), it.Value(), it.ExpireAt(), it.Mark(), it.Kind())
			}
		}
		for key := range w.dbs[i] {
			if _, ok := before[key]; !ok && find(key).Found() {
				w.t.Fatalf("step %d: new key %q in database %d is found by others", w.steps, key, i)
			}
		}
	}
	for _, s := range w.shards {
		s.AsCommitted(false)
	}
}

// settle ends the savepoint and keeps what was done since, or undoes it.
func (w *world) settle(keep bool) {
	if w.saved == nil {
		return
	}
	w.checkCommitted()
	for _, s := range w.shards {
		if keep {
			s.Commit()
		} else {
			s.Rollback()
		}
	}
	if !keep {
		copy(w.dbs[:], w.saved)
		w.walk = nil
	}
	w.saved = nil
}

// Others who read what a transaction has not changed need not wait until its log is indexed.
func TestReadsOfTheUnchangedAreQuick(t *testing.T) {
	w := newWorld(t)
	for i := range 100 {
		w.set(0, fmt.Sprint("key:", i), "old", SetOptions{})
	}
	w.save()
	w.set(0, "key:0", "new", SetOptions{})
	s := w.shards[shardOfKey("key:0")]
	s.AsCommitted(true)
	for i := 1; i < 100; i++ {
		if key := fmt.Sprint("key:", i); w.shards[shardOfKey(key)] == s {
			w.agree(0, key)
		}
	}
	require.Nil(t, s.save.committed)
	k := w.target(0, "key:0")
	require.Equal(t, "old", string(k.DB.Look(k.Hash, k.Key).Value()))
	s.AsCommitted(false)
	w.settle(false)
	w.check()
}
