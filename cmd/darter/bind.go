package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

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

// options are the server's options as configured.
func (d *daemon) options() resp.Options {
	v := d.cfg.Current()
	return resp.Options{
		Password:      v.String("requirepass"),
		MaxClients:    int(v.Int("maxclients")),
		Timeout:       seconds(v, "timeout"),
		KeepAlive:     keepAlive(v),
		ProtectedMode: v.Bool("protected-mode"),
		OutputLimit:   outputLimit(v),
		QueryLimit:    v.Bytes("client-query-buffer-limit"),
		MaxBulk:       v.Bytes("proto-max-bulk-len"),
		Logger:        d.log,
		OnShutdown:    d.shutdown,
	}
}

// bind lets CONFIG SET reach the server.
func (d *daemon) bind() {
	s := d.server
	on := func(name string, apply func(*config.Values)) {
		d.cfg.OnSet(func(v *config.Values) error { apply(v); return nil }, name)
	}
	on("requirepass", func(v *config.Values) { s.SetPassword(v.String("requirepass")) })
	on("maxclients", func(v *config.Values) { s.SetMaxClients(int(v.Int("maxclients"))) })
	on("timeout", func(v *config.Values) { s.SetTimeout(seconds(v, "timeout")) })
	on("tcp-keepalive", func(v *config.Values) { s.SetKeepAlive(keepAlive(v)) })
	on("protected-mode", func(v *config.Values) { s.SetProtectedMode(v.Bool("protected-mode")) })
	on("client-output-buffer-limit", func(v *config.Values) { s.SetOutputLimit(outputLimit(v)) })
	on("client-query-buffer-limit", func(v *config.Values) { s.SetQueryLimit(v.Bytes("client-query-buffer-limit")) })
	on("proto-max-bulk-len", func(v *config.Values) { s.SetMaxBulk(v.Bytes("proto-max-bulk-len")) })
	on("loglevel", func(v *config.Values) { level.Set(levels[v.String("loglevel")]) })
}

func seconds(v *config.Values, name string) time.Duration {
	return time.Duration(v.Int(name)) * time.Second
}

// keepAlive is the server's: for it 0 means the default, for redis.conf never.
func keepAlive(v *config.Values) time.Duration {
	if d := seconds(v, "tcp-keepalive"); d != 0 {
		return d
	}
	return -1
}

func outputLimit(v *config.Values) resp.OutputLimit {
	l := v.BufferLimits("client-output-buffer-limit")[config.NormalClients]
	return resp.OutputLimit{Hard: l.Hard, Soft: l.Soft, Period: time.Duration(l.SoftSeconds) * time.Second}
}
