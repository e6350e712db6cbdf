package darter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/darterdb/darter/internal/archive"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Containers in a file
//
// A container is saved as its parts (package value says what they are), whatever its form, so that it is packed or large
// by the limits of the cache that loads it. Parts are gathered to chunks, and each chunk is a record:
//
//	payload  | uvarint: number of the chunk, from 0 | uvarint: length of the part | part | ... |
//	flags    lastFlag in the last chunk
//
// A file is loaded by several goroutines, so the chunks of one container may come in any order: those that come too early
// wait. As few blocks of a file are under way at a time, few wait.
const (
	chunkBytes = 64 << 10
	lastFlag   = 2
)

// saveContainer saves the container of rec's key.
func saveContainer(out *archive.Section, rec archive.Record, it keyspace.FrozenItem, buf []byte) ([]byte, error) {
	number := uint64(0)
	buf = binary.AppendUvarint(buf[:0], number)
	var err error
	for part := range it.Kind().Parts(it.View(), it.Value()) {
		if len(buf) > 16 && len(buf)+len(part) > chunkBytes {
			rec.Payload = buf
			if err = out.Add(rec); err != nil {
				return buf, err
			}
			number++
			buf = binary.AppendUvarint(buf[:0], number)
		}
		buf = binary.AppendUvarint(buf, uint64(len(part)))
		buf = append(buf, part...)
	}
	rec.Payload, rec.Flags = buf, rec.Flags|lastFlag
	return buf, out.Add(rec)
}

// unfinishedSet has the containers of which some chunks have been loaded.
type unfinishedSet struct {
	mu   sync.Mutex
	open map[containerID]*loading
}

type containerID struct {
	db  int
	key string
}

// loading is one of them. Its shard's lock guards it.
type loading struct {
	builder value.Builder
	kind    keyspace.Kind
	db      *keyspace.DB
	next    uint64            // the chunk that comes next
	early   map[uint64]*chunk // those that came before their turn
}

type chunk struct {
	parts []byte
	last  bool
}

// addContainer takes in a chunk of a container. The shard is held.
func (st *staging) addContainer(db *keyspace.DB, rec *archive.Record) error {
	kind := keyspace.Kind(rec.Kind)
	number, n := binary.Uvarint(rec.Payload)
	if n <= 0 {
		return fmt.Errorf("key %.64q: a chunk without a number", rec.Key)
	}
	c := &chunk{parts: rec.Payload[n:], last: rec.Flags&lastFlag != 0}
	id := containerID{rec.DB, string(rec.Key)}
	l := st.unfinished.get(id)
	if l == nil {
		l = &loading{builder: kind.Build(db.Heap()), kind: kind, db: db}
		st.unfinished.put(id, l)
	}
	if l.kind != kind {
		return fmt.Errorf("key %.64q: chunks of kinds %d and %d", rec.Key, l.kind, kind)
	}
	if number != l.next {
		if _, twice := l.early[number]; twice || number < l.next {
			return fmt.Errorf("key %.64q: chunk %d comes twice", rec.Key, number)
		}
		if l.early == nil {
			l.early = map[uint64]*chunk{}
		}
		c.parts = bytes.Clone(c.parts)
		l.early[number] = c
		return nil
	}
	for c != nil {
		if err := l.add(c); err != nil {
			return fmt.Errorf("key %.64q: %w", rec.Key, err)
		}
		if c.last {
			return st.finish(id, l, rec)
		}
		l.next++
		c = l.early[l.next]
		delete(l.early, l.next)
	}
	return nil
}

// add puts the parts of a chunk in their place.
func (l *loading) add(c *chunk) error {
	for b := c.parts; len(b) > 0; {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return fmt.Errorf("a part of %d bytes in a chunk that has %d left", n, len(b))
		}
		if err := l.builder.Add(b[size : size+int(n)]); err != nil {
			return err
		}
		b = b[size+int(n):]
	}
	return nil
}

// finish stores a container that is whole.
func (st *staging) finish(id containerID, l *loading, rec *archive.Record) error {
	if len(l.early) > 0 {
		return fmt.Errorf("key %.64q: chunks after the last", rec.Key)
	}
	st.unfinished.drop(id)
	raw, large, err := l.builder.Raw()
	if err != nil {
		return fmt.Errorf("key %.64q: %w", rec.Key, err)
	}
	if len(raw) == 0 {
		return nil
	}
	if err := l.db.Load(st.e.hash(rec.Key), rec.Key, l.kind, raw, large, rec.ExpireAtMs); err != nil {
		l.db.Abandon(l.kind, raw, large)
		return err
	}
	return nil
}

func (u *unfinishedSet) get(id containerID) *loading {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.open[id]
}

func (u *unfinishedSet) put(id containerID, l *loading) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[containerID]*loading{}
	}
	u.open[id] = l
}

func (u *unfinishedSet) drop(id containerID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, id)
}

// check fails if a container lacks chunks.
func (u *unfinishedSet) check() error {
	for id := range u.open {
		return fmt.Errorf("key %.64q: chunks are missing", id.key)
	}
	return nil
}

// discardUnfinished gives up what was built of containers that were never finished.
func (st *staging) discardUnfinished() {
	for id, l := range st.unfinished.open {
		s := &st.e.shards[st.e.shardOf([]byte(id.key))]
		func() {
			s.lockWalk(nil)
			defer s.unlock()
			if raw, large, err := l.builder.Raw(); err == nil {
				l.db.Abandon(l.kind, raw, large)
			}
		}()
	}
}
