package darter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/archive"
	"github.com/darterdb/darter/internal/keyspace"
)

// persistence is what the cache knows of its saves.
type persistence struct {
	saving     sync.Mutex // held by the one save to a file that is under way
	background atomic.Bool
	began      atomic.Int64 // Unix milliseconds, of the background save under way or the last one
	broken     atomic.Bool  // the last background save failed, and none has gone well since

	mu       sync.Mutex // guards what follows
	lastSave time.Time
	lastTry  time.Time // in the background, as is lastTook
	lastTook time.Duration
	changes  int64 // the changes of all shards and of the libraries as of the last save
	saves    int64
	loading  bool
}

const (
	// markFlag stands in a record of a string that was edited in place.
	markFlag = 1

	saveYield = 64 // keys between two chances for others to run
)

// Save writes the cache as it is now, all databases and the libraries of functions, to w, in darter's own format (package
// archive documents it): versioned, compressed, with a checksum on every part. Other users of the cache go on meanwhile,
// and no second copy of the data is made: see Snapshot for what it costs.
func (c *Cache) Save(w io.Writer) error { return c.save(w, false) }

func (c *Cache) save(w io.Writer, background bool) error {
	s, err := c.Snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	return s.save(w, background)
}

// Save writes the snapshot, all databases of it and the libraries of functions, to w; see Cache.Save.
func (s *Snapshot) Save(w io.Writer) error { return s.save(w, false) }

// save is Save. In the background it leaves the processors to others where it can.
func (s *Snapshot) save(w io.Writer, background bool) error {
	st := s.state
	if !st.use() {
		return ErrClosed
	}
	defer runtime.KeepAlive(s.snapshotHandle)
	defer st.done()
	aw, err := archive.NewWriter(w, archive.Header{
		Creator:   "darter " + Version,
		CreatedMs: st.at.UnixMilli(),
		Shards:    len(st.frozen),
	})
	if err == nil {
		err = saveLibraries(aw.Section(0), st.libraries)
	}
	if err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	// Half of the cores at the most: the other half is for the cache's users.
	err = parallel(max(runtime.GOMAXPROCS(0)/2, 1), len(st.frozen), func(i int) error {
		pause := func() {}
		if background {
			pause = modestly()
			pause()
		}
		return saveShard(aw.Section(i), st.frozen[i], st.e.databases, pause)
	})
	if err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	if err := aw.Close(); err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	return nil
}

func saveShard(out *archive.Section, f *keyspace.Frozen, databases int, pause func()) error {
	n := 0
	var buf []byte
	for i := range databases {
		db := f.DB(i)
		if db == nil {
			continue
		}
		for it := range db.All {
			rec := archive.Record{
				DB: i, Kind: archive.Kind(it.Kind()), ExpireAtMs: it.ExpireAt(), Access: uint64(it.Access()),
				Key: it.Key(), Payload: it.Value(),
			}
			var err error
			if it.Kind() == keyspace.String {
				if it.Mark() {
					rec.Flags = markFlag
				}
				err = out.Add(rec)
			} else {
				buf, err = saveContainer(out, rec, it, buf)
			}
			if err != nil {
				return err
			}
			if n++; n%saveYield == 0 {
				if alone() {
					runtime.Gosched()
				}
				pause()
			}
		}
	}
	return out.Flush()
}

// parallel calls fn for 0 to n-1 from several goroutines, stops at the first error and returns it.
func parallel(workers, n int, fn func(int) error) error {
	var (
		next   atomic.Int64
		group  sync.WaitGroup
		failed atomic.Pointer[error]
	)
	for range min(workers, n) {
		group.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := fn(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Load replaces all databases of the cache and its libraries of functions by what Save wrote; functions that
// RegisterFunction was given stay. The new data is built up beside the old and put in its place at once: on an error (a
// damaged file is refused with the offset of the damage, a library that can't be loaded with its name) the cache is as
// it was. Keys that have expired since are left out. A file from a cache with another number of shards, or with more
// databases than hold keys here, loads too.
func (c *Cache) Load(r io.Reader) error {
	if c.tx != nil {
		return errInTx
	}
	_, err := c.engine.load(r, nil)
	return err
}

// load is Load, with progress passed on.
func (e *engine) load(r io.Reader, progress func(bytes, keys int64)) (archive.Info, error) {
	st := &staging{e: e, dbs: make([][]*keyspace.DB, len(e.shards)), now: e.clock.Millis()}
	for i := range st.dbs {
		st.dbs[i] = make([]*keyspace.DB, e.databases)
	}
	info, err := archive.Read(r, archive.ReadOptions{Progress: progress}, func(_ int, rec *archive.Record) error {
		return st.add(rec)
	})
	if err == nil {
		err = st.unfinished.check()
	}
	var libraries functionSet
	if err == nil {
		libraries, err = e.scripts.reload(st.texts.byName)
	}
	if err == nil {
		err = st.adopt(libraries)
	} else {
		st.discardUnfinished()
		st.discard()
	}
	if err != nil {
		return info, fmt.Errorf("darter: load: %w", err)
	}
	return info, nil
}

// staging is data that is being loaded and cannot be reached yet. The shards' locks guard it as they do the rest.
type staging struct {
	e   *engine
	dbs [][]*keyspace.DB // by shard and number
	now int64

	unfinished unfinishedSet
	texts      libraryTexts
}

func (st *staging) add(rec *archive.Record) error {
	if rec.Kind == archive.KindLibrary {
		return st.texts.add(rec)
	}
	e := st.e
	kind := keyspace.Kind(rec.Kind)
	if kind != keyspace.String && !kind.Container() {
		return fmt.Errorf("key %.64q holds a value of kind %d, which this version does not know", rec.Key, rec.Kind)
	}
	if rec.DB >= e.databases {
		return fmt.Errorf("key %.64q is in database %d, and there are %d", rec.Key, rec.DB, e.databases)
	}
	if rec.ExpireAtMs != 0 && rec.ExpireAtMs <= st.now {
		return nil
	}
	n := e.shardOf(rec.Key)
	s := &e.shards[n]
	s.lockWalk(nil) // what is loaded is no part of somebody's transaction
	defer s.unlock()
	if e.closed.Load() {
		return ErrClosed
	}
	db := st.dbs[n][rec.DB]
	if db == nil {
		var err error
		if db, err = s.data.Apart(rec.DB); err != nil {
			return err
		}
		st.dbs[n][rec.DB] = db
	}
	if kind.Container() {
		return st.addContainer(db, rec)
	}
	return db.Load(e.hash(rec.Key), rec.Key, kind, rec.Payload, rec.Flags&markFlag != 0, rec.ExpireAtMs)
}

// adopt puts the loaded databases and libraries in the place of the old ones, all at once, and frees the old ones.
func (st *staging) adopt(libraries functionSet) error {
	e := st.e
	e.flushing.Lock()
	defer e.flushing.Unlock()
	old := make([][]*keyspace.Grave, len(e.shards))
	err := func() error {
		e.lockAll()
		defer e.unlockAll()
		if e.closed.Load() {
			return ErrClosed
		}
		// What can fail comes first.
		for i := range e.shards {
			for n := range e.databases {
				if st.dbs[i][n] == nil && e.shards[i].data.DB(n) != nil {
					db, err := e.shards[i].data.Apart(n)
					if err != nil {
						return err
					}
					st.dbs[i][n] = db
				}
			}
		}
		if err := e.scripts.replace(libraries); err != nil {
			return err
		}
		for i := range e.shards {
			if a := e.shards[i].announcer; a != nil {
				a.reloaded()
			}
			for n, db := range st.dbs[i] {
				if db != nil {
					old[i] = append(old[i], e.shards[i].data.Adopt(n, db))
				}
			}
		}
		e.trackers.TellAll()
		return nil
	}()
	if err != nil {
		st.discard()
		return err
	}
	for i := range old {
		e.free(i, old[i])
	}
	return nil
}

func (st *staging) discard() {
	for i, dbs := range st.dbs {
		for _, db := range dbs {
			if db != nil {
				st.e.free(i, []*keyspace.Grave{db.Discard()})
			}
		}
	}
}

// free frees databases that cannot be reached any more, in slices.
func (e *engine) free(shard int, graves []*keyspace.Grave) {
	for _, g := range graves {
		if g != nil {
			e.inSlices(&e.shards[shard], func(s *keyspace.Shard) bool { return !e.closed.Load() && g.FreeSome() })
		}
	}
}

// SaveFile saves the cache to a file as Save does. The file is written under another name in the same directory and
// put in its place when it is whole and on the disk, so that at any moment the old one or the new one is there.
// The other name is the path with a number and ".tmp" behind; a process that is killed meanwhile leaves such a file, which
// does no harm and is removed by a save to the same path some time later.
func (c *Cache) SaveFile(path string) error {
	if c.tx != nil {
		return errInTx
	}
	return c.engine.saveFile(path, false)
}

func (e *engine) saveFile(path string, background bool) (err error) {
	e.persistence.saving.Lock()
	defer e.persistence.saving.Unlock()
	began := time.Now()
	changes := e.changes()
	defer func() { e.noteSave(began, changes, background, err) }()

	sweepLeftovers(path)
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	if err := e.writeFile(f, path, background); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	return nil
}

// writeFile writes the cache to f, closes it and gives it its name.
func (e *engine) writeFile(f *os.File, path string, background bool) (err error) {
	if err := f.Chmod(0o644); err != nil && runtime.GOOS != "windows" {
		return errors.Join(fmt.Errorf("darter: save: %w", err), f.Close())
	}
	if err := e.handles[0].save(f, background); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("darter: save: %w", err)
	}
	return nil
}

const (
	// unfinished ends the names of files that are being written.
	unfinished = ".tmp"
	// leftoverAfter is for how long nobody has written to such a file when it is taken for that of a dead process.
	leftoverAfter = 10 * time.Minute
)

// sweepLeftovers removes what processes that were killed during a save to this path left beside it. Nothing is ever read
// from such files; they only take room.
func sweepLeftovers(path string) {
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return // the save will say why
	}
	for _, f := range files {
		number, ours := strings.CutPrefix(f.Name(), filepath.Base(path)+".")
		number, tmp := strings.CutSuffix(number, unfinished)
		if !ours || !tmp || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		if st, err := f.Info(); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > leftoverAfter {
			_ = os.Remove(filepath.Join(filepath.Dir(path), f.Name()))
		}
	}
}

// syncDir makes a renaming in a directory last. Systems that cannot open a directory for it do without.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if runtime.GOOS == "windows" {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// LoadFile loads a file as Load does. progress, which may be nil, is told now and then of the bytes read and keys
// loaded so far.
func (c *Cache) LoadFile(path string, progress func(bytes, keys int64)) error {
	if c.tx != nil {
		return errInTx
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("darter: load: %w", err)
	}
	defer f.Close()
	c.engine.setLoading(true)
	defer c.engine.setLoading(false)
	if _, err = c.engine.load(bufio.NewReaderSize(f, 256<<10), progress); err != nil {
		return fmt.Errorf("%w (file %s)", err, path)
	}
	c.engine.noteLoaded()
	return nil
}

func (e *engine) setLoading(on bool) {
	e.persistence.mu.Lock()
	defer e.persistence.mu.Unlock()
	e.persistence.loading = on
}

// reload saves everything to a file of its own and loads it again, or, without save, loads the configured file.
func (e *engine) reload(save bool) (err error) {
	if !save {
		return e.handles[0].LoadFile(e.saveFilePath(), nil)
	}
	path := e.saveFilePath() + ".reload"
	if err := e.saveFile(path, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	return e.handles[0].LoadFile(path, nil)
}

// changes returns how many changes there were since the start.
func (e *engine) changes() int64 {
	var n int64
	e.eachShard(func(s *keyspace.Shard) { n += s.Stats.Changes })
	return n + e.scripts.changes.Load()
}

// noteSave notes how a save ended. One that somebody waited for told him of its failure, which is no sign that the
// cache is not saved any more. Nor is one that Close ended.
func (e *engine) noteSave(began time.Time, changes int64, background bool, err error) {
	p := &e.persistence
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(began)
	if background {
		p.lastTry, p.lastTook = began, took
	}
	if background && !errors.Is(err, ErrClosed) || err == nil {
		p.broken.Store(err != nil)
	}
	if err != nil {
		e.log.Error("save failed", "error", err)
		return
	}
	p.lastSave, p.changes = time.Now(), changes
	p.saves++
	e.log.Info("saved", "took", took.Round(time.Millisecond))
}

// unsaved says that clients should not write, since what they write is not saved as was asked for.
func (e *engine) unsaved() bool {
	return e.persistence.broken.Load() && e.config.Bool("stop-writes-on-bgsave-error") && len(e.config.SavePoints("save")) > 0
}

// noteLoaded makes the data as loaded count as saved.
func (e *engine) noteLoaded() {
	n := e.changes()
	e.persistence.mu.Lock()
	defer e.persistence.mu.Unlock()
	e.persistence.changes = n
}

// saveInBackground starts a save to the configured file, unless one is under way.
func (e *engine) saveInBackground() bool {
	p := &e.persistence
	if !p.background.CompareAndSwap(false, true) {
		return false
	}
	p.began.Store(time.Now().UnixMilli())
	started := e.inBackground(func() {
		defer p.background.Store(false)
		_ = e.saveFile(e.saveFilePath(), true) // noted and logged there
	})
	if !started {
		p.background.Store(false)
	}
	return started
}

// saveFilePath is where SAVE and BGSAVE write.
func (e *engine) saveFilePath() string { return e.config.Path("dbfilename") }

// saveIfDue starts a save if a savepoint's number of changes and seconds is reached. After a failure it waits a while.
func (e *engine) saveIfDue() {
	points := e.config.SavePoints("save")
	if len(points) == 0 || e.persistence.background.Load() {
		return
	}
	now := time.Now()
	p := &e.persistence
	p.mu.Lock()
	since := now.Sub(maxTime(p.lastSave, e.started))
	saved := p.changes
	blocked := p.broken.Load() && now.Sub(p.lastTry) < saveRetryAfter
	p.mu.Unlock()
	if blocked {
		return
	}
	due := false
	for _, pt := range points {
		due = due || since >= time.Duration(pt.Seconds)*time.Second
	}
	if !due {
		return
	}
	changes := e.changes() - saved
	for _, pt := range points {
		if since >= time.Duration(pt.Seconds)*time.Second && changes >= int64(pt.Changes) {
			e.log.Info("saving", "changes", changes, "seconds", pt.Seconds)
			e.saveInBackground()
			return
		}
	}
}

const saveRetryAfter = 5 * time.Second

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Dirty says that the cache has changed since it was last saved to or loaded from a file.
func (c *Cache) Dirty() bool {
	n := c.changes()
	c.persistence.mu.Lock()
	defer c.persistence.mu.Unlock()
	return n != c.persistence.changes
}
