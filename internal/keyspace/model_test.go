package keyspace

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
)

// A world is a few shards beside a plain model of what they should hold. Operations go to both, and both must agree: on
// every answer, now and then on everything, and for each snapshot on what was there when it was taken.

const (
	worldShards    = 2
	worldDatabases = 3
	worldKeys      = 5000 // the model is not grown further
	worldLimit     = 200_000
)

type modelEntry struct {
	v      string
	at     int64
	edited bool
}

type modelDB map[string]modelEntry

type world struct {
	t       *testing.T
	now     int64
	clock   *Clock
	region  *slab.Region
	shards  [worldShards]*Shard
	dbs     [worldDatabases]modelDB
	views   []*worldView
	thawing []*worldView
	graves  []grave
	walk    *worldWalk
	saved   []modelDB // as it was when the savepoint began that is open, nil without one
	steps   int
}

// worldView is a snapshot with the model as it was.
type worldView struct {
	frozen [worldShards]*Frozen
	dbs    [worldDatabases]modelDB
	now    int64
}

type grave struct {
	shard *Shard
	g     *Grave
}

// worldWalk is a walk over one database, a step now and then.
type worldWalk struct {
	db, shard int
	cursor    uint64
	must      map[string]bool // there since the walk began
	got       map[string]bool
}

func newWorld(t *testing.T) *world {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	w := &world{t: t, now: 1_700_000_000_123, region: region}
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	w.clock = NewClock(func() time.Time { return time.UnixMilli(w.now) })
	c := Config{
		Region: region, Clock: w.clock, Seed: maphash.MakeSeed(), Databases: worldDatabases, Used: new(atomic.Int64),
		Observer: w,
	}
	for i := range w.shards {
		w.shards[i], err = NewShard(c, i, worldShards)
		require.NoError(t, err)
	}
	for i := range w.dbs {
		w.dbs[i] = modelDB{}
	}
	return w
}

// Touched checks what can be known of any event.
func (w *world) Touched(db int, key []byte, e Event) {
	if db < 0 || db >= worldDatabases || e.String() == "" || len(key) == 0 {
		w.t.Fatalf("event %v of %q in database %d", e, key, db)
	}
}

func shardOfKey(key string) int {
	n := 0
	for i := range len(key) {
		n += int(key[i])
	}
	return n % worldShards
}

func (w *world) hash(key []byte) uint64 { return maphash.Bytes(w.shards[0].Seed, key) }

func (w *world) target(db int, key string) Target {
	s := w.shards[shardOfKey(key)]
	d, err := s.Open(db)
	require.NoError(w.t, err)
	return Target{DB: d, Hash: w.hash([]byte(key)), Key: []byte(key)}
}

// look returns what the model has of a key, and forgets it if it is expired.
func (w *world) look(db int, key string) (modelEntry, bool) {
	e, ok := w.dbs[db][key]
	if ok && e.at != 0 && e.at <= w.now {
		w.remove(db, key)
		return modelEntry{}, false
	}
	return e, ok
}

func (w *world) remove(db int, key string) {
	delete(w.dbs[db], key)
	if w.walk != nil && w.walk.db == db {
		delete(w.walk.must, key)
	}
}

// agree compares one key.
func (w *world) agree(db int, key string) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	it := t.DB.Look(t.Hash, t.Key)
	if it.Found() != ok {
		w.t.Fatalf("step %d: key %q in database %d: found is %v", w.steps, key, db, it.Found())
	}
	if ok {
		w.sameItem(e, key, it.Key(), it.Value(), it.ExpireAt(), it.Mark(), it.Kind())
	}
}

func (w *world) sameItem(e modelEntry, key string, k, v []byte, at int64, mark bool, kind Kind) {
	if string(k) != key || string(v) != e.v || at != e.at || mark != e.edited || kind != String {
		w.t.Fatalf("step %d: key %q (%q): %.80q until %d, mark %v, kind %v; want %.80q until %d, mark %v",
			w.steps, key, k, v, at, mark, kind, e.v, e.at, e.edited)
	}
}

func (w *world) set(db int, key, v string, o SetOptions) {
	e, found := w.look(db, key)
	t := w.target(db, key)
	r, err := t.DB.Set(t.Hash, t.Key, []byte(v), o)
	require.NoError(w.t, err)
	stored := !(found && o.NX || !found && o.XX)
	require.Equal(w.t, stored, r.Stored)
	require.Equal(w.t, found, r.Found)
	if o.Get {
		require.Equal(w.t, e.v, string(r.Old))
	}
	if stored {
		at := o.ExpireAt
		if o.KeepTTL && found {
			at = e.at
		}
		w.dbs[db][key] = modelEntry{v: v, at: at}
	}
	w.agree(db, key)
}

func (w *world) get(db int, key string) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	v, found, err := t.DB.Get(t.Hash, t.Key)
	require.NoError(w.t, err)
	require.Equal(w.t, ok, found)
	require.Equal(w.t, e.v, string(v))
}

func (w *world) del(db int, key string) {
	_, ok := w.look(db, key)
	t := w.target(db, key)
	found, err := t.DB.Del(t.Hash, t.Key)
	require.NoError(w.t, err)
	require.Equal(w.t, ok, found)
	w.remove(db, key)
	w.agree(db, key)
}

func (w *world) incrBy(db int, key string, by int64) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	n, err := t.DB.IncrBy(t.Hash, t.Key, by)
	old, parseErr := strconv.ParseInt(e.v, 10, 64)
	switch {
	case ok && (parseErr != nil || strconv.FormatInt(old, 10) != e.v):
		require.ErrorIs(w.t, err, errs.NotInteger)
	case by > 0 && old > math.MaxInt64-by || by < 0 && old < math.MinInt64-by:
		require.ErrorIs(w.t, err, errs.Overflow)
	default:
		require.NoError(w.t, err)
		require.Equal(w.t, old+by, n)
		w.dbs[db][key] = modelEntry{v: strconv.FormatInt(n, 10), at: e.at}
	}
	w.agree(db, key)
}

func (w *world) incrByFloat(db int, key string) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	sum, err := t.DB.IncrByFloat([]byte("sum "), t.Hash, t.Key, []byte("0.5"))
	if old, parseErr := strconv.ParseFloat(e.v, 64); ok && (parseErr != nil || len(e.v) > 12) {
		if err != nil {
			require.ErrorIs(w.t, err, errs.NotFloat)
			w.agree(db, key)
			return
		}
		w.dbs[db][key] = modelEntry{v: string(sum[4:]), at: e.at} // too many digits to check with a double
	} else {
		require.NoError(w.t, err)
		require.Equal(w.t, "sum "+strconv.FormatFloat(old+0.5, 'f', -1, 64), string(sum))
		w.dbs[db][key] = modelEntry{v: string(sum[4:]), at: e.at}
	}
	w.agree(db, key)
}

func (w *world) append(db int, key, tail string) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	n, err := t.DB.Append(t.Hash, t.Key, []byte(tail), worldLimit)
	if ok && len(e.v)+len(tail) > worldLimit {
		require.ErrorIs(w.t, err, errs.TooLong)
	} else {
		require.NoError(w.t, err)
		require.Equal(w.t, len(e.v)+len(tail), n)
		w.dbs[db][key] = modelEntry{e.v + tail, e.at, ok}
	}
	w.agree(db, key)
}

func (w *world) setRange(db int, key string, offset int64, part string) {
	e, _ := w.look(db, key)
	t := w.target(db, key)
	n, err := t.DB.SetRange(t.Hash, t.Key, offset, []byte(part), worldLimit)
	switch {
	case offset < 0:
		require.ErrorIs(w.t, err, errs.OffsetLow)
	case part == "":
		require.NoError(w.t, err)
		require.Equal(w.t, len(e.v), n)
	case offset > worldLimit-int64(len(part)):
		require.ErrorIs(w.t, err, errs.TooLong)
	default:
		v := []byte(e.v)
		if end := int(offset) + len(part); end > len(v) {
			v = append(v, make([]byte, end-len(v))...)
		}
		copy(v[offset:], part)
		require.NoError(w.t, err)
		require.Equal(w.t, len(v), n)
		w.dbs[db][key] = modelEntry{string(v), e.at, true}
	}
	w.agree(db, key)
}

func (w *world) getDel(db int, key string) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	it := t.DB.Find(t.Hash, t.Key)
	require.Equal(w.t, ok, it.Found())
	if !ok {
		return
	}
	got := ""
	require.NoError(w.t, t.DB.GetDel(it, func(v []byte) { got = string(v) }))
	require.Equal(w.t, e.v, got)
	w.remove(db, key)
	w.agree(db, key)
}

func (w *world) getEx(db int, key string, o GetExOptions) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	it := t.DB.Find(t.Hash, t.Key)
	require.Equal(w.t, ok, it.Found())
	if !ok {
		return
	}
	got := "not called"
	require.NoError(w.t, t.DB.GetEx(it, o, func(v []byte) { got = string(v) }))
	require.Equal(w.t, e.v, got)
	switch {
	case o.ExpireAt != 0 && o.ExpireAt <= w.now:
		w.remove(db, key)
	case o.ExpireAt != 0:
		e.at = o.ExpireAt
		w.dbs[db][key] = e
	case o.Persist:
		e.at = 0
		w.dbs[db][key] = e
	}
	w.agree(db, key)
}

func (w *world) expire(db int, key string, at int64, f ExpireFlags) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	it := t.DB.Look(t.Hash, t.Key)
	require.Equal(w.t, ok, it.Found())
	if !ok {
		return
	}
	const never = math.MaxInt64
	before := e.at
	if before == 0 {
		before = never
	}
	want := !(f&ExpireNX != 0 && before != never || f&ExpireXX != 0 && before == never ||
		f&ExpireGT != 0 && at <= before || f&ExpireLT != 0 && at >= before)
	done, err := t.DB.Expire(it, at, f)
	require.NoError(w.t, err)
	require.Equal(w.t, want, done)
	if want && at <= w.now {
		w.remove(db, key)
	} else if want {
		e.at = at
		w.dbs[db][key] = e
	}
	w.agree(db, key)
}

func (w *world) persist(db int, key string) {
	e, ok := w.look(db, key)
	t := w.target(db, key)
	it := t.DB.Look(t.Hash, t.Key)
	require.Equal(w.t, ok, it.Found())
	if !ok {
		return
	}
	done, err := t.DB.Persist(it)
	require.NoError(w.t, err)
	require.Equal(w.t, e.at != 0, done)
	e.at = 0
	w.dbs[db][key] = e
	w.agree(db, key)
}

func (w *world) rename(db int, from, to string, replace bool) {
	e, ok := w.look(db, from)
	_, taken := w.look(db, to)
	done, err := Rename(w.target(db, from), w.target(db, to), replace)
	switch {
	case !ok:
		require.ErrorIs(w.t, err, errs.NoSuchKey)
	case taken && !replace:
		require.NoError(w.t, err)
		require.False(w.t, done)
	default:
		require.NoError(w.t, err)
		require.True(w.t, done)
		w.remove(db, from)
		w.dbs[db][to] = e
	}
	w.agree(db, from)
	w.agree(db, to)
}

func (w *world) copyKey(db int, from string, toDB int, to string, replace bool) {
	e, ok := w.look(db, from)
	_, taken := w.look(toDB, to)
	done, err := Copy(w.target(db, from), w.target(toDB, to), replace)
	if db == toDB && from == to {
		require.ErrorIs(w.t, err, errs.SameObject)
		return
	}
	require.NoError(w.t, err)
	require.Equal(w.t, ok && (replace || !taken), done)
	if done {
		w.dbs[toDB][to] = e
	}
	w.agree(db, from)
	w.agree(toDB, to)
}

func (w *world) move(db int, key string, toDB int) {
	e, ok := w.look(db, key)
	_, taken := w.look(toDB, key)
	done, err := Move(w.target(db, key), w.target(toDB, key))
	if db == toDB {
		require.ErrorIs(w.t, err, errs.SameObject)
		return
	}
	require.NoError(w.t, err)
	require.Equal(w.t, ok && !taken, done)
	if done {
		w.remove(db, key)
		w.dbs[toDB][key] = e
	}
	w.agree(db, key)
	w.agree(toDB, key)
}

// expireAll lets the index remove all that is due, which must come to an end.
func (w *world) expireAll() {
	if w.saved != nil {
		return // nothing is removed meanwhile
	}
	for _, s := range w.shards {
		for i := range worldDatabases {
			db := s.DB(i)
			if db == nil {
				continue
			}
			for n := 0; db.ExpireSome(256); n++ {
				if n == 10_000 {
					w.t.Fatalf("step %d: the expiry of database %d doesn't come to an end", w.steps, i)
				}
			}
		}
	}
	// What was due in a tick that is over must be gone.
	for i := range w.dbs {
		for key, e := range w.dbs[i] {
			if e.at == 0 || e.at>>tickShift >= w.now>>tickShift {
				continue
			}
			t := w.target(i, key)
			if t.DB.refind(t.Hash, t.Key).Found() {
				w.t.Fatalf("step %d: key %q expired at %d, and is still there at %d", w.steps, key, e.at, w.now)
			}
			w.remove(i, key)
		}
	}
}

// check compares everything, and the databases' counts with what is in them.
func (w *world) check() {
	for i := range w.dbs {
		live := 0
		for key := range maps.Clone(w.dbs[i]) {
			w.agree(i, key)
			if _, ok := w.look(i, key); ok {
				live++
			}
		}
		seen := 0
		for _, s := range w.shards {
			db := s.DB(i)
			if db == nil {
				continue
			}
			n, expires, keyBytes, valBytes := 0, 0, 0, 0
			for slot := range db.t.All {
				key, v := db.t.Key(slot), db.t.Value(slot)
				n++
				keyBytes += len(key)
				valBytes += len(v)
				at := db.t.Expiry(slot)
				if at != 0 {
					expires++
				}
				if at == 0 || at > w.now {
					seen++
				}
				if _, found, ok := db.t.Find(db.t.Hash(key), key); !ok || found != slot {
					w.t.Fatalf("step %d: key %q is in the table and not found there", w.steps, key)
				}
			}
			require.Equal(w.t, n, db.Len())
			require.Equal(w.t, expires, db.Expires())
			k, v, _ := db.Bytes()
			require.Equal(w.t, int64(keyBytes), k)
			require.Equal(w.t, int64(valBytes), v)
			require.Equal(w.t, i, db.Index())
			if it := db.Random(); it.Found() {
				w.agree(i, string(it.Key()))
				_, ok := w.look(i, string(it.Key()))
				require.True(w.t, ok)
			}
		}
		require.Equal(w.t, live, seen, "step %d, database %d", w.steps, i)
	}
	w.checkIndex()
}

// checkIndex makes sure that the index knows every key with a time of expiry.
func (w *world) checkIndex() {
	for _, s := range w.shards {
		for i := range worldDatabases {
			db := s.DB(i)
			if db == nil || db.expiry == nil {
				continue
			}
			known := map[uint64]bool{}
			entries := 0
			count := func(list slab.Ref) {
				for list != 0 {
					page := s.slab.At(list, pageBytes)
					for j := range int(page[4]) {
						known[getEntry(page, j)] = true
						entries++
					}
					list = slab.Ref(uint64(page[8]) | uint64(page[9])<<8 | uint64(page[10])<<16 | uint64(page[11])<<24 |
						uint64(page[12])<<32 | uint64(page[13])<<40)
				}
			}
			count(db.expiry.pending)
			for _, list := range db.expiry.slots {
				count(list)
			}
			if sw := db.expiry.sweep; sw != nil {
				for _, list := range sw.slots {
					count(list)
				}
			}
			require.Equal(w.t, entries, db.expiry.entries)
			for slot := range db.t.All {
				if slot.Expires() && !known[entryOf(db.t.Hash(db.t.Key(slot)))] {
					w.t.Fatalf("step %d: the index doesn't know key %q", w.steps, db.t.Key(slot))
				}
			}
		}
	}
}

func (w *world) freeze() {
	if w.saved != nil {
		return // snapshots wait for transactions
	}
	v := &worldView{now: w.now}
	for i, s := range w.shards {
		f, err := s.Freeze(w.now)
		require.NoError(w.t, err)
		v.frozen[i] = f
	}
	for i := range w.dbs {
		v.dbs[i] = modelDB{}
		for key, e := range w.dbs[i] {
			if e.at == 0 || e.at > w.now {
				v.dbs[i][key] = e
			}
		}
	}
	w.views = append(w.views, v)
}

// checkView compares a snapshot with the model as it was.
func (w *world) checkView(v *worldView) {
	for i, model := range v.dbs {
		seen := 0
		for _, f := range v.frozen {
			db := f.DB(i)
			if db == nil {
				continue
			}
			for it := range db.All {
				seen++
				e, ok := model[string(it.Key())]
				if !ok {
					w.t.Fatalf("step %d: a snapshot has a key %q that wasn't there", w.steps, it.Key())
				}
				w.sameItem(e, string(it.Key()), it.Key(), it.Value(), it.ExpireAt(), it.Mark(), it.Kind())
				if found := db.Find(w.hash(it.Key()), it.Key()); found.slot != it.slot {
					w.t.Fatalf("step %d: a snapshot's key %q is not found in it", w.steps, it.Key())
				}
			}
			require.False(w.t, db.Find(w.hash([]byte("no such key")), []byte("no such key")).Found())
		}
		require.Equal(w.t, len(model), seen, "step %d: a snapshot's database %d", w.steps, i)
	}
}

// checkDiff compares the difference of two snapshots with that of their models.
func (w *world) checkDiff(a, b *worldView) {
	for i := range worldDatabases {
		got := map[string]bool{}
		for j := range w.shards {
			Diff(a.frozen[j].DB(i), b.frozen[j].DB(i), func(before, after FrozenItem) bool {
				it := before
				if !it.Found() {
					it = after
				}
				key := string(it.Key())
				require.False(w.t, got[key], "key %q differs twice", key)
				got[key] = true
				if at := before.ExpireAt(); !after.Found() && at != 0 && at <= a.now {
					return true // removed only now: told again, perhaps
				}
				for _, side := range []struct {
					it    FrozenItem
					model modelDB
				}{{before, a.dbs[i]}, {after, b.dbs[i]}} {
					e, ok := side.model[key]
					require.Equal(w.t, ok, side.it.Found(), "key %q", key)
					if ok {
						w.sameItem(e, key, side.it.Key(), side.it.Value(), side.it.ExpireAt(), side.it.Mark(), side.it.Kind())
					}
				}
				return true
			})
		}
		for key, e := range a.dbs[i] {
			f, ok := b.dbs[i][key]
			// One that only ran out of time may be left out.
			if expired := !ok && e.at != 0 && e.at <= b.now; !expired && (!ok || e.v != f.v || e.at != f.at) {
				require.True(w.t, got[key], "key %q differs: %v, %v", key, e, f)
			}
		}
		for key := range b.dbs[i] {
			if _, ok := a.dbs[i][key]; !ok {
				require.True(w.t, got[key], "key %q was added", key)
			}
		}
	}
}

// thawSome frees a part of what is on its way out.
func (w *world) thawSome() {
	left := w.thawing[:0]
	for _, v := range w.thawing {
		more := false
		for i, s := range w.shards {
			if v.frozen[i] == nil {
				continue
			}
			if s.Thaw(v.frozen[i]) {
				more = true
			} else {
				v.frozen[i] = nil
			}
		}
		if more {
			left = append(left, v)
		}
	}
	w.thawing = left
	graves := w.graves[:0]
	for _, g := range w.graves {
		if g.g.FreeSome() {
			graves = append(graves, g)
		}
	}
	w.graves = graves
	for _, s := range w.shards {
		s.FreeSome(8)
	}
}

// thaw checks a snapshot for the last time and begins to free it.
func (w *world) thaw(i int) {
	v := w.views[i]
	w.checkView(v)
	w.views = append(w.views[:i], w.views[i+1:]...)
	w.thawing = append(w.thawing, v)
}

func (w *world) bury(db int) {
	for _, s := range w.shards {
		g, err := s.Bury(db)
		require.NoError(w.t, err)
		if g != nil {
			w.graves = append(w.graves, grave{s, g})
		}
	}
	w.dbs[db] = modelDB{}
	w.walk = nil
}

func (w *world) swap(i, j int) {
	for _, s := range w.shards {
		s.Swap(i, j)
	}
	w.dbs[i], w.dbs[j] = w.dbs[j], w.dbs[i]
	w.walk = nil
}

// walkSome goes on with the walk, or begins one.
func (w *world) walkSome(db, steps int) {
	if w.walk == nil {
		w.walk = &worldWalk{db: db, must: map[string]bool{}, got: map[string]bool{}}
		for key := range w.dbs[db] {
			w.walk.must[key] = true
		}
	}
	k := w.walk
	for range steps {
		d, err := w.shards[k.shard].Open(k.db)
		require.NoError(w.t, err)
		k.cursor = d.Scan(k.cursor, func(it Item) {
			e, ok := w.dbs[k.db][string(it.Key())]
			if !ok {
				w.t.Fatalf("step %d: the walk came to key %q", w.steps, it.Key())
			}
			w.sameItem(e, string(it.Key()), it.Key(), it.Value(), it.ExpireAt(), it.Mark(), it.Kind())
			k.got[string(it.Key())] = true
		})
		if k.cursor != 0 {
			continue
		}
		if k.shard++; k.shard == worldShards {
			w.walk = nil
			for key := range k.must {
				e := w.dbs[k.db][key]
				if (e.at == 0 || e.at > w.now) && !k.got[key] {
					w.t.Fatalf("step %d: the walk missed key %q", w.steps, key)
				}
			}
			return
		}
	}
}

// end closes all snapshots and empties all databases: nothing may be left then.
func (w *world) end() {
	w.settle(true)
	w.check()
	for i := range w.views {
		for j := i + 1; j < len(w.views); j++ {
			w.checkDiff(w.views[i], w.views[j])
		}
	}
	for len(w.views) > 0 {
		w.thaw(len(w.views) / 2)
	}
	for i := range w.dbs {
		w.bury(i)
	}
	for n := 0; len(w.thawing)+len(w.graves) > 0; n++ {
		require.Less(w.t, n, 1_000_000)
		w.thawSome()
	}
	for _, s := range w.shards {
		for s.FreeSome(8) {
		}
		for s.RepairSome() {
		}
		s.Trim()
		u := s.Usage()
		require.Zero(w.t, u.Retired)
		require.Zero(w.t, u.Cells[slab.Entry])
		require.Zero(w.t, u.Cells[slab.Expiry])
		require.Equal(w.t, int64(slab.BlockSize), u.Taken, "only the index of empty databases is left")
		require.False(w.t, s.HasVersions())
	}
}

func (w *world) fill(db, from, n int, at int64) {
	for i := from; i < from+n && len(w.dbs[db]) < worldKeys; i++ {
		w.set(db, fmt.Sprintf("filled:%d", i), strings.Repeat("v", i%90), SetOptions{ExpireAt: at})
	}
}

func (w *world) drop(db, from, n int) {
	for i := from; i < from+n; i++ {
		w.del(db, fmt.Sprintf("filled:%d", i))
	}
}
