package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/darterdb/darter/internal/config"
)

// listen opens every listener that is configured, or none.
func listen(cfg *config.Config) (all []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				_ = l.Close()
			}
			all = nil
		}
	}()
	for _, addr := range cfg.Strings("bind") {
		// An address with "-" in front may be missing on this machine.
		addr, optional := strings.CutPrefix(addr, "-")
		if addr == "*" {
			addr = ""
		}
		ports := []struct {
			directive string
			tls       bool
		}{{"port", false}, {"tls-port", true}}
		for _, p := range ports {
			port := cfg.Int(p.directive)
			if port == 0 {
				continue
			}
			l, err := net.Listen("tcp", net.JoinHostPort(strings.Trim(addr, "[]"), strconv.FormatInt(port, 10)))
			if err != nil {
				if optional && !inUse(err) {
					continue
				}
				return all, fmt.Errorf("%s: %w", p.directive, err)
			}
			if p.tls {
				conf, err := tlsConfig(cfg)
				if err != nil {
					return append(all, l), err
				}
				l = tls.NewListener(l, conf)
			}
			all = append(all, l)
		}
	}
	if path := cfg.Path("unixsocket"); path != "" {
		l, err := listenUnix(path)
		if err != nil {
			return all, fmt.Errorf("unixsocket: %w", err)
		}
		all = append(all, l)
		if perm := cfg.Int("unixsocketperm"); perm != 0 {
			if err := os.Chmod(path, fs.FileMode(perm)); err != nil {
				return all, fmt.Errorf("unixsocketperm: %w", err)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("nothing to listen on: port, tls-port and unixsocket are all off")
	}
	return all, nil
}

// listenUnix listens on a path. A socket that a dead server left there is replaced, one that answers is not.
func listenUnix(path string) (net.Listener, error) {
	if st, err := os.Stat(path); err == nil && st.Mode()&fs.ModeSocket != 0 {
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			_ = c.Close()
			return nil, fmt.Errorf("%s: another server listens there", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return net.Listen("unix", path)
}

func tlsConfig(cfg *config.Config) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(cfg.Path("tls-cert-file"), cfg.Path("tls-key-file"))
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file, tls-key-file: %w", err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if ca := cfg.Path("tls-ca-cert-file"); ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("tls-ca-cert-file: %w", err)
		}
		conf.ClientCAs = x509.NewCertPool()
		if !conf.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("tls-ca-cert-file: no certificate in it")
		}
	}
	switch cfg.String("tls-auth-clients") {
	case "yes":
		if conf.ClientCAs == nil {
			return nil, errors.New("tls-auth-clients yes needs tls-ca-cert-file")
		}
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		conf.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return conf, nil
}
