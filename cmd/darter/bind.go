package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/resp"
)

// level is the log level, which CONFIG SET loglevel changes.
var level slog.LevelVar

// levels are redis.conf's log levels; verbose and notice both tell of what an operator wants to know.
var levels = map[string]slog.Level{
	"debug":   slog.LevelDebug,
	"verbose": slog.LevelInfo,
	"notice":  slog.LevelInfo,
	"warning": slog.LevelWarn,
	"nothing": slog.LevelError + 4,
}

func newLogger(cfg *config.Config, stderr io.Writer) (*slog.Logger, func(), error) {
	level.Set(levels[cfg.String("loglevel")])
	out, done := stderr, func() {}
	if path := cfg.Path("logfile"); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("logfile: %w", err)
		}
		out, done = f, func() { _ = f.Close() }
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: &level})), done, nil
}

// options are the server's: what has a directive is as configured.
func (d *daemon) options() resp.Options {
	return resp.Options{Configured: true, Loops: loops, Logger: d.log, OnShutdown: d.shutdown}
}

// bind lets CONFIG SET loglevel take effect.
func (d *daemon) bind() {
	d.cfg.OnSet(func(v *config.Values) error {
		level.Set(levels[v.String("loglevel")])
		return nil
	}, "loglevel")
}
