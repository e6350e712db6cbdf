package luavm

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
	"github.com/darterdb/darter/internal/reply"
)

// acceptEnv, set to 1, makes TestScriptsAgainstRedis write down what the server answers.
const acceptEnv = "LUAVM_ACCEPT"

// serverVersion is the version of the server that the answers are from.
const serverVersion = "7.0.15"

// prelude stands before every script, on its first line: d shows any values with all their digits, tables sorted.
const prelude = `local function d(...) local function s(v) ` +
	`if type(v) == 'number' then return string.format('%.17g', v) ` +
	`elseif type(v) == 'string' then return string.format('%q', v) ` +
	`elseif type(v) == 'boolean' then return tostring(v) elseif type(v) ~= 'table' then return type(v) end ` +
	`local t = {} for k, x in pairs(v) do t[#t + 1] = '[' .. s(k) .. ']=' .. s(x) end table.sort(t) ` +
	`return '{' .. table.concat(t, ',') .. '}' end ` +
	`local r = {} for i = 1, select('#', ...) do r[i] = s((select(i, ...))) end return table.concat(r, ' ') end `

// sample is a script with the real server's answers. In a file the answers stand below a rule, RESP2's and, if it
// differs, RESP3's; a blank line ends the sample.
type sample struct {
	script  string
	answers [2]string
}

const rule = "\n----\n"

func readSamples(t testing.TB, file string) []sample {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []sample
	for _, block := range strings.Split(strings.TrimRight(string(data), "\n"), "\n\n") {
		script, answers, _ := strings.Cut(block, rule)
		s := sample{script: script}
		first, second, both := strings.Cut(answers, "\n")
		if !both {
			second = first
		}
		s.answers = [2]string{first, second}
		all = append(all, s)
	}
	return all
}

func writeSamples(t testing.TB, file string, all []sample) {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s.script + rule + s.answers[0])
		if s.answers[1] != s.answers[0] {
			b.WriteString("\n" + s.answers[1])
		}
		b.WriteString("\n\n")
	}
	require.NoError(t, os.WriteFile(file, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644))
}

func sampleFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// answer is the reply to a script as text, be it an error or not.
func answer(t testing.TB, p *Pool, text string, proto int) string {
	var w reply.RESP
	w.SetProto(proto)
	s, err := p.Load([]byte(text), false)
	if err != nil {
		w.Error(err.Error())
	} else {
		o := p.Run(s, Call{
			Host: &fakeHost{}, Keys: [][]byte{[]byte("k1"), []byte("k2")}, Args: [][]byte{[]byte("a1")},
			Limits: Limits{Instructions: 1e8},
		}, &w)
		if o.Err != nil {
			return "stopped: " + o.Message
		}
	}
	r, err := redistest.ReadReply(bufio.NewReader(strings.NewReader(string(w.Buf))))
	require.NoError(t, err, "%q", w.Buf)
	return r.Canonical().Text()
}

// TestScripts holds every sample to the answers written down.
func TestScripts(t *testing.T) {
	p := NewPool(Options{Version: serverVersion})
	for _, file := range sampleFiles(t) {
		for _, s := range readSamples(t, file) {
			for i, want := range s.answers {
				if got := answer(t, p, prelude+s.script, 2+i); got != want {
					t.Errorf("%s, RESP%d:\n%s\n got %.600s\nwant %.600s", filepath.Base(file), 2+i, s.script, got, want)
				}
			}
		}
	}
}

// TestScriptsAgainstRedis holds the answers written down to a real server's.
func TestScriptsAgainstRedis(t *testing.T) {
	server := redistest.Start(t)
	conns := [2]*redistest.Conn{server.Dial(t), server.Dial(t)}
	conns[1].Hello3()
	for _, file := range sampleFiles(t) {
		all := readSamples(t, file)
		for i := range all {
			for j, c := range conns {
				r := c.Do("EVAL", prelude+all[i].script, "2", "k1", "k2", "a1").Canonical().Text()
				if os.Getenv(acceptEnv) == "1" {
					all[i].answers[j] = r
				} else if want := all[i].answers[j]; r != want {
					t.Errorf("%s, RESP%d:\n%s\n the server %.600s\nthe file %.600s", filepath.Base(file), 2+j, all[i].script, r, want)
				}
			}
		}
		if os.Getenv(acceptEnv) == "1" {
			writeSamples(t, file, all)
		}
	}
}
