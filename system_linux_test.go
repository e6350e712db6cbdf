package darter

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/darterdb/darter/internal/command"
)

// niceness is that of the calling thread. The system call tells it as what is left to 20.
func niceness(t *testing.T) int {
	t.Helper()
	n, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	require.NoError(t, err)
	return 20 - n
}

// watchedWriter notes the niceness of those who write.
type watchedWriter struct {
	t    *testing.T
	seen map[int]bool
}

func (w watchedWriter) Write(b []byte) (int, error) {
	w.seen[niceness(w.t)] = true
	return len(b), nil
}

// Work in the background runs on threads with a lower share, and theirs end with it; work that somebody waits for does not.
func TestLoweredThreads(t *testing.T) {
	c, err := New(Options{Shards: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for i := range 5000 {
		require.NoError(t, c.Set(fmt.Sprint("key:", i), make([]byte, 100)))
	}
	usual := niceness(t)
	lowered := max(usual, backgroundNice)

	for background, want := range map[bool]int{false: usual, true: lowered} {
		w := watchedWriter{t, map[int]bool{}}
		require.NoError(t, c.save(w, background))
		require.Contains(t, w.seen, want)
		require.Equal(t, background || usual == lowered, w.seen[lowered])
	}

	const long, short = "for i = 1, 1000000 do end return 1", "for i = 1, 1000 do end return 1"
	for _, test := range []struct {
		expendable bool
		script     string
		want       int
	}{{false, long, usual}, {true, short, usual}, {true, long, lowered}} {
		got := make(chan int)
		go func() {
			s := c.NewSession()
			defer s.Close()
			s.SetExpendable(test.expendable)
			_, err := s.Do(t.Context(), "EVAL", test.script, "0")
			if err != nil {
				t.Error(err)
			}
			got <- niceness(t)
		}()
		require.Equal(t, test.want, <-got, "%v %s", test.expendable, test.script)
	}
	require.NoError(t, c.Save(io.Discard))
	require.Equal(t, usual, niceness(t))

	for name, n := range map[string]int{"short": command.Heavy + 1, "long": command.Long + 1} {
		list := c.handles[0].List(name)
		for i := range n {
			_, err := list.PushRight(fmt.Append(nil, i))
			require.NoError(t, err)
		}
	}
	for _, test := range []struct {
		command string
		want    int
	}{
		{"LRANGE short 0 -1", usual}, {"LRANGE long 0 10", usual}, {"LRANGE long 0 -1", lowered},
		{"SORT short STORE to", usual}, {"SORT long STORE to", lowered},
	} {
		got := make(chan int)
		go func() {
			s := c.NewSession()
			defer s.Close()
			s.SetExpendable(true)
			var args []any
			for word := range strings.FieldsSeq(test.command) {
				args = append(args, word)
			}
			if _, err := s.Do(t.Context(), args...); err != nil {
				t.Error(err)
			}
			got <- niceness(t)
		}()
		require.Equal(t, test.want, <-got, test.command)
	}
}

// What must not wait behind others leaves a modest thread; its panics are its caller's.
func TestApart(t *testing.T) {
	usual := niceness(t)
	got := make(chan int)
	go func() {
		lowerThread()
		apart(func() { got <- niceness(t) })
	}()
	require.Equal(t, usual, <-got)
	require.PanicsWithValue(t, "p", func() { apart(func() { panic("p") }) })
}
