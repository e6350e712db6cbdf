package resp

import (
	"time"

	"github.com/darterdb/darter/internal/config"
)

// follow makes CONFIG SET on the cache reach the server, each directive by itself: what Options said of the others
// stays. If now is set, all directives take effect at once.
func (s *Server) follow(cfg *config.Config, now bool) {
	for name, set := range map[string]func(*config.Values){
		"requirepass":    func(v *config.Values) { s.SetPassword(v.String("requirepass")) },
		"maxclients":     func(v *config.Values) { s.SetMaxClients(int(v.Int("maxclients"))) },
		"timeout":        func(v *config.Values) { s.SetTimeout(seconds(v, "timeout")) },
		"tcp-keepalive":  func(v *config.Values) { s.SetKeepAlive(keepAlive(v)) },
		"protected-mode": func(v *config.Values) { s.SetProtectedMode(v.Bool("protected-mode")) },
		"client-output-buffer-limit": func(v *config.Values) {
			l := v.BufferLimits("client-output-buffer-limit")
			s.SetOutputLimit(outputLimit(l[config.NormalClients]))
			s.SetPubSubLimit(outputLimit(l[config.PubSubClients]))
		},
		"client-query-buffer-limit": func(v *config.Values) { s.SetQueryLimit(v.Bytes("client-query-buffer-limit")) },
		"proto-max-bulk-len":        func(v *config.Values) { s.SetMaxBulk(v.Bytes("proto-max-bulk-len")) },
	} {
		if now {
			set(cfg.Current())
		}
		cfg.OnSet(func(v *config.Values) error { set(v); return nil }, name)
	}
}

func outputLimit(l config.BufferLimit) OutputLimit {
	return OutputLimit{l.Hard, l.Soft, time.Duration(l.SoftSeconds) * time.Second}
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
