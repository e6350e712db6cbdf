// Command darter serves a cache over the Redis protocol. It takes redis.conf's directives, in a file or as flags:
//
//	darter [file] [--name value ...]
//
// See darter --help for the directives.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/resp"
)

// shutdownGrace is how long scripts get to end, and then clients to take their last replies. Tests shorten it.
var shutdownGrace = 10 * time.Second

func main() {
	spareProcessor()
	unhurried := make([]byte, ballast)
	code := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(unhurried)
	os.Exit(code)
}

// ballast is bytes that are allocated and never touched, so that they take address space only. The data is outside the
// Go heap, which is a few MB; a collector that runs when that has doubled would run dozens of times a second beside
// a script that makes strings, and each time take a processor from those who wait for a reply.
const ballast = 24 << 20

// loops is how many event loops serve clients; 0 leaves that to package resp.
var loops int

// spareProcessor lets the Go scheduler think of one processor more where there is just one. A loop that waits for its
// clients keeps the scheduler's only processor; with none idle, the runtime's monitor takes it away and gives it back
// every twenty microseconds, which costs a twentieth of the core.
func spareProcessor() {
	if runtime.GOMAXPROCS(0) == 1 {
		loops = 1
		runtime.GOMAXPROCS(2)
	}
}

// run is main without the process: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	table := config.Standard()
	table.Row("maxmemory-policy").Allowed = []string{"noeviction"}
	table.Row("databases").Max = 1024
	table.Row("proto-max-bulk-len").Max = 1<<31 - 1
	cfg, err := config.New(table)
	if err != nil {
		fmt.Fprintln(stderr, "darter:", err)
		return 1
	}
	action, err := cfg.Load(args, stdin)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "darter:", err)
		return 1
	case action == config.ShowVersion:
		fmt.Fprintf(stdout, "darter %s %s %s/%s\n", darter.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return 0
	case action == config.ShowHelp:
		fmt.Fprint(stdout, "Usage: darter [config file, or - for standard input] [--directive value ...]\n\n")
		if err := table.Describe(stdout); err != nil {
			return 1
		}
		return 0
	}
	log, closeLog, err := newLogger(cfg, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "darter:", err)
		return 1
	}
	defer closeLog()
	if err := serve(cfg, log); err != nil {
		log.Error(err.Error())
		if cfg.Path("logfile") != "" || cfg.String("loglevel") == "nothing" {
			fmt.Fprintln(stderr, "darter:", err) // whoever starts it is to see why it doesn't
		}
		return 1
	}
	return 0
}

// serverShards is how many shards a server has: fewer than a cache in process, since at most one loop for each
// processor asks for them, and what few touch stays in the processor's caches.
func serverShards() int { return min(max(8*runtime.GOMAXPROCS(0), 16), 1024) }

// daemon is the running server.
type daemon struct {
	cfg    *config.Config
	log    *slog.Logger
	cache  *darter.Cache
	server *resp.Server

	stopping sync.Mutex // held by the one shutdown under way
	stopped  chan struct{}
}

func serve(cfg *config.Config, log *slog.Logger) (err error) {
	listeners, err := listen(cfg)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range listeners {
			_ = l.Close() // closed already unless start-up failed
		}
	}()
	// After listening: where the address is taken, the file may be that of the server which has it.
	removePID, err := writePID(cfg.Path("pidfile"))
	if err != nil {
		return err
	}
	defer removePID()
	cache, err := darter.New(darter.Options{Shards: serverShards(), Databases: int(cfg.Int("databases")), Logger: log, Config: cfg})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cache.Close()) }()
	d := &daemon{cfg: cfg, log: log, cache: cache, stopped: make(chan struct{})}
	if err := d.load(); err != nil {
		return err
	}
	d.server = resp.New(cache, d.options())
	d.bind()
	debug.FreeOSMemory() // what starting took
	readAhead()

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- d.server.Serve(context.Background(), l) }()
		log.Info("ready to accept connections", "network", l.Addr().Network(), "address", l.Addr().String())
	}
	d.tellManager()
	for {
		select {
		case <-d.stopped:
			return nil
		case sig := <-signals:
			log.Info("shutting down", "signal", sig.String())
			if err := d.shutdown(resp.ShutdownMode{}); err != nil {
				log.Error("not shutting down", "error", err)
			}
		case err := <-failed:
			if err != nil {
				return errors.Join(err, d.shutdown(resp.ShutdownMode{}))
			}
		}
	}
}

// tellManager tells systemd that the server is ready, if directive supervised says so and systemd asks for that: by a
// datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)).
func (d *daemon) tellManager() {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" || d.cfg.String("supervised") == "no" {
		return
	}
	conn, err := net.Dial("unixgram", name)
	if err == nil {
		_, err = conn.Write([]byte("READY=1"))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		d.log.Warn("can't tell systemd", "error", err)
	}
}

// load loads the data file, if there is one.
func (d *daemon) load() error {
	path := d.dataFile()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	began, told := time.Now(), time.Now()
	err := d.cache.LoadFile(path, func(bytes, keys int64) {
		if time.Since(told) > time.Second {
			told = time.Now()
			d.log.Info("loading", "file", path, "bytes", bytes, "keys", keys)
		}
	})
	if err != nil {
		return fmt.Errorf("%w; move it away to start empty", err)
	}
	var st darter.Stats
	d.cache.Stats(&st)
	d.log.Info("loaded", "file", path, "keys", st.Keys, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func (d *daemon) dataFile() string { return d.cfg.Path("dbfilename") }

// shutdown lets replies in flight finish, saves if it should, and ends the server. After an error all goes on.
func (d *daemon) shutdown(mode resp.ShutdownMode) error {
	d.stopping.Lock()
	defer d.stopping.Unlock()
	select {
	case <-d.stopped:
		return nil
	default:
	}
	save := mode.Save || !mode.NoSave && len(d.cfg.SavePoints("save")) > 0
	if save {
		// While clients are still served: if it fails, nothing has been given up. It waits for scripts that have begun, and
		// one that has no end would cost the data.
		impatience := time.AfterFunc(shutdownGrace, d.stopScripts)
		defer impatience.Stop()
		if err := d.cache.SaveFile(d.dataFile()); err != nil && !mode.Force {
			return fmt.Errorf("errors trying to save: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.log.Warn("clients cut off while replies were under way", "error", err)
	}
	if save && d.cache.Dirty() {
		// What clients wrote since.
		if err := d.cache.SaveFile(d.dataFile()); err != nil {
			d.log.Error("the last changes were not saved", "error", err)
		}
	}
	close(d.stopped)
	return nil
}

// stopScripts stops the scripts and functions that run.
func (d *daemon) stopScripts() {
	for _, kind := range []string{"SCRIPT", "FUNCTION"} {
		if _, err := d.cache.Do(context.Background(), kind, "KILL"); err == nil {
			d.log.Warn("stopped what would not let the data be saved", "kind", kind)
		}
	}
}

// writePID writes the process's number to a file and returns what removes it.
func writePID(path string) (remove func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(path) }, nil
}
