//go:build !windows

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const outOfMemory = "OOM command not allowed when used memory > 'maxmemory'."

func TestMaxMemory(t *testing.T) {
	p := start(t, "--maxmemory", "4mb", "--save", "")
	c := p.dial(t)
	value := strings.Repeat("v", 1000)
	n := 0
	for ; n < 10_000; n++ {
		if r := c.Do("SET", fmt.Sprintf("k%d", n), value); r.Str != "OK" {
			require.Equal(t, outOfMemory, r.Str)
			break
		}
	}
	require.Greater(t, n, 1000)
	require.Less(t, n, 4300)
	for _, write := range [][]string{{"SET", "k", "v"}, {"APPEND", "k0", "v"}, {"MSET", "a", "1", "b", "2"}, {"INCR", "n"},
		{"SETRANGE", "k0", "0", "x"}, {"COPY", "k0", "k0b"}, {"SETNX", "a", "b"}, {"GETSET", "k0", "x"}} {
		require.Equal(t, outOfMemory, c.Do(write...).Str, write)
	}
	// Reads and what makes room go on.
	require.Equal(t, value, c.Do("GET", "k0").Str)
	require.Equal(t, int64(1), c.Do("EXPIRE", "k0", "1000").Int)
	require.Equal(t, int64(n), c.Do("DBSIZE").Int)
	require.Equal(t, value, c.Do("GETDEL", "k0").Str)
	for i := range n {
		if i%2 == 0 {
			c.Do("DEL", fmt.Sprintf("k%d", i))
		}
	}
	require.Equal(t, "OK", c.Do("SET", "k", "v").Str)
	require.Equal(t, "OK", c.Do("CONFIG", "SET", "maxmemory", "1mb").Str)
	require.Equal(t, outOfMemory, c.Do("SET", "k", "v").Str)
	require.Equal(t, "OK", c.Do("CONFIG", "SET", "maxmemory", "0").Str)
	require.Equal(t, "OK", c.Do("SET", "k", "v").Str)
	require.Equal(t, "OK", c.Do("CONFIG", "SET", "maxmemory", "1mb").Str)
	require.Equal(t, "OK", c.Do("FLUSHALL").Str)
	require.Equal(t, "OK", c.Do("SET", "k", "v").Str)
}

// TestFileSizeLimit stands for a full disk: a save fails in the middle, and that is all.
func TestFileSizeLimit(t *testing.T) {
	sh, err := os.Stat("/bin/sh")
	if err != nil || sh.IsDir() {
		t.Skip("no /bin/sh to set the limit with")
	}
	dir := t.TempDir()
	p := launch(t, dir, "", []string{"/bin/sh", "-c", `ulimit -f 256 && exec "$0" "$@"`}, "--port", "0", "--unixsocket", filepath.Join(dir, "socket"))
	p.AwaitServing(t)
	c := p.dial(t)
	load(t, c, 100, 100, "k")
	require.Equal(t, "OK", c.Do("SAVE").Str)
	good, err := os.ReadFile(p.file())
	require.NoError(t, err)
	load(t, c, 5000, 500, "k")
	require.Contains(t, c.Do("SAVE").Str, "file too large")
	require.Equal(t, int64(5000), c.Do("DBSIZE").Int)
	require.Equal(t, "ERR Errors trying to SHUTDOWN. Check logs.", c.Do("SHUTDOWN", "SAVE").Str)
	after, err := os.ReadFile(p.file())
	require.NoError(t, err)
	require.Equal(t, good, after, "the old file is untouched")
	unfinished, err := filepath.Glob(p.file() + ".*")
	require.NoError(t, err)
	require.Empty(t, unfinished)
	c.Do("FLUSHALL")
	require.Equal(t, "OK", c.Do("SAVE").Str)
	require.Zero(t, p.terminate(t))
}

// certificate writes a certificate, signed by itself, and its key, and returns the files and the pair.
func certificate(t testing.TB, dir, name string) (certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	require.NoError(t, os.WriteFile(certFile, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyFile, keyPEM, 0o600))
	pair, err = tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	return certFile, keyFile, pair
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, _ := certificate(t, dir, "server")
	clientFile, _, client := certificate(t, dir, "client")
	_, _, stranger := certificate(t, dir, "stranger")
	roots := x509.NewCertPool()
	text, err := os.ReadFile(certFile)
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(text))

	ping := func(port string, certs ...tls.Certificate) (string, error) {
		c, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, Certificates: certs})
		if err != nil {
			return "", err
		}
		defer c.Close()
		if _, err := io.WriteString(c, "PING\r\nECHO over-tls\r\nQUIT\r\n"); err != nil {
			return "", err
		}
		b, err := io.ReadAll(c)
		return string(b), err
	}
	const answers = "+PONG\r\n$8\r\nover-tls\r\n+OK\r\n"

	port := freePort(t)
	start(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no")
	got, err := ping(port)
	require.NoError(t, err)
	require.Equal(t, answers, got)
	plain, err := net.Dial("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	defer plain.Close()
	_, err = io.WriteString(plain, "PING\r\n")
	require.NoError(t, err)
	b, _ := io.ReadAll(plain)
	require.NotContains(t, string(b), "PONG")
	got, err = ping(port)
	require.NoError(t, err)
	require.Equal(t, answers, got, "others are served after a client that does not speak TLS")

	port = freePort(t)
	start(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", clientFile)
	got, err = ping(port, client)
	require.NoError(t, err)
	require.Equal(t, answers, got)
	_, err = ping(port)
	require.Error(t, err, "without a certificate")
	_, err = ping(port, stranger)
	require.Error(t, err, "with a stranger's certificate")
}

func TestTLSMistakes(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, _ := certificate(t, dir, "server")
	_, otherKey, _ := certificate(t, dir, "other")
	port := freePort(t)
	for _, test := range []struct {
		want string
		args []string
	}{
		{"tls-key-file", []string{"--tls-cert-file", certFile, "--tls-key-file", otherKey}},
		{"tls-cert-file", []string{"--tls-cert-file", filepath.Join(dir, "none"), "--tls-key-file", keyFile}},
		{"needs tls-ca-cert-file", []string{"--tls-cert-file", certFile, "--tls-key-file", keyFile}},
		{"no certificate in it", []string{"--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", keyFile}},
	} {
		code, _, stderr := once(t, append([]string{"--port", "0", "--tls-port", port, "--bind", "127.0.0.1"}, test.args...)...)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, test.want)
	}
}
