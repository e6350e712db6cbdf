package darter_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// The same commands must get the same replies however the keyspace is split, whether or not snapshots are open, and on
// either kind of memory. The last is what the digest is for: builds can't see each other, so each compares with it.

// metaDigest is the digest of the replies to the commands of seed 1. It changes with the generator and with what commands
// answer, never with the shape of the cache.
const metaDigest = "51654f534aecddc1"

const metaCommands = 3000

// metaGenerator makes commands, most of them sensible.
type metaGenerator struct{ rng *rand.Rand }

func (g *metaGenerator) key() string {
	switch n := g.rng.IntN(60); n {
	case 0:
		return ""
	case 1:
		return strings.Repeat("long", 200)
	case 2:
		return "bin\x00\xff\r\n"
	case 3, 4, 5:
		return fmt.Sprintf("{tag}%d", n)
	default:
		return fmt.Sprintf("k%d", n)
	}
}

func (g *metaGenerator) value() string {
	switch g.rng.IntN(6) {
	case 0:
		return fmt.Sprint(g.rng.IntN(1000) - 500)
	case 1:
		return fmt.Sprint(float64(g.rng.IntN(1000)) / 8)
	case 2:
		return ""
	case 3:
		return strings.Repeat("v", g.rng.IntN(5000))
	default:
		return fmt.Sprintf("value-%d", g.rng.IntN(100))
	}
}

func (g *metaGenerator) n(limit int) string { return fmt.Sprint(g.rng.IntN(limit)) }

func (g *metaGenerator) pick(of ...string) string { return of[g.rng.IntN(len(of))] }

// command returns the next command. A first word "@tick" moves the clock instead.
func (g *metaGenerator) command() []string {
	k, v := g.key(), g.value()
	switch g.rng.IntN(46) {
	case 0:
		return []string{"@tick", g.n(3000)}
	case 1, 2:
		return []string{"SET", k, v}
	case 3:
		return []string{"SET", k, v, g.pick("NX", "XX"), g.pick("GET", "KEEPTTL")}
	case 4:
		return []string{"SET", k, v, "PX", g.n(4000)}
	case 5:
		return []string{"SETEX", k, g.n(5), v}
	case 6:
		return []string{"SETNX", k, v}
	case 7:
		return []string{"GET", k}
	case 8:
		return []string{"GETEX", k, "PX", g.n(3000)}
	case 9:
		return []string{"GETDEL", k}
	case 10:
		return []string{"GETSET", k, v}
	case 11:
		return []string{"MSET", k, v, g.key(), g.value(), g.key(), g.value()}
	case 12:
		return []string{"MSETNX", k, v, g.key(), g.value()}
	case 13:
		return []string{"MGET", k, g.key(), g.key(), k}
	case 14, 15:
		return []string{"APPEND", k, v}
	case 16:
		return []string{"STRLEN", k}
	case 17:
		return []string{"GETRANGE", k, g.n(20), "-" + g.n(20)}
	case 18:
		return []string{"SETRANGE", k, g.n(6000), v}
	case 19:
		return []string{"INCR", k}
	case 20:
		return []string{"DECRBY", k, g.n(1000)}
	case 21:
		return []string{"INCRBYFLOAT", k, "0.25"}
	case 22:
		return []string{"DEL", k, g.key(), g.key()}
	case 23:
		return []string{"UNLINK", k, k}
	case 24:
		return []string{"EXISTS", k, k, g.key()}
	case 25:
		return []string{"TYPE", k}
	case 26:
		return []string{"RENAME", k, g.key()}
	case 27:
		return []string{"RENAMENX", k, g.key()}
	case 28:
		return []string{"COPY", k, g.key(), "DB", g.n(3)}
	case 29:
		return []string{"COPY", k, g.key(), "REPLACE"}
	case 30:
		return []string{"MOVE", k, g.n(3)}
	case 31:
		return []string{"PEXPIRE", k, g.n(4000), g.pick("NX", "XX", "GT", "LT")}
	case 32:
		return []string{"EXPIRE", k, g.pick("-1", "0", "1", "2", "100")}
	case 33:
		return []string{"PERSIST", k}
	case 34:
		return []string{g.pick("PTTL", "TTL", "PEXPIRETIME", "EXPIRETIME"), k}
	case 35:
		return []string{"TOUCH", k, g.key()}
	case 36:
		return []string{"KEYS", g.pick("*", "k1*", "{tag}*", "k[2-4]?", "nothing")}
	case 37:
		return []string{"SELECT", g.n(3)}
	case 38:
		return []string{"OBJECT", "ENCODING", k}
	case 39:
		return []string{"LCS", k, g.key(), "LEN"}
	case 40:
		return []string{"SUBSTR", k, "0", g.n(9)}
	case 41:
		return []string{"GET", k, "too many"}
	case 42:
		return []string{"@snapshot"}
	case 43:
		if g.rng.IntN(20) == 0 {
			return []string{g.pick("FLUSHDB", "FLUSHALL"), g.pick("SYNC", "ASYNC")}
		}
		return []string{"SCAN", "0", "COUNT", "100000", "MATCH", g.pick("*", "k*")}
	case 44:
		if g.rng.IntN(5) == 0 {
			return []string{"SWAPDB", g.n(3), g.n(3)}
		}
		return []string{"PSETEX", k, "1" + g.n(1000), v}
	default:
		return []string{"SET", k, v, "EXAT", "1700000" + g.n(1000)}
	}
}

// transcript is the replies of a new cache to the commands of a seed.
func transcript(t testing.TB, seed uint64, shards int, snapshots bool) (lines []string) {
	clock := newSimClock()
	c, err := darter.New(darter.Options{Shards: shards, Databases: 3, Now: clock.Now})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	user := c.NewSession()
	g := metaGenerator{rand.New(rand.NewPCG(seed, 3))}
	var open []*darter.Snapshot
	for range metaCommands {
		words := g.command()
		switch words[0] {
		case "@tick":
			var ms int64
			_, _ = fmt.Sscan(words[1], &ms)
			clock.ms.Add(ms)
			continue
		case "@snapshot":
			if snapshots {
				open = append(open, takeSnapshot(t, c))
				if len(open) > 4 {
					n := len(lines) % len(open)
					open[n].Close()
					open = slices.Delete(open, n, n+1)
				}
			}
			continue
		}
		args := make([]any, len(words))
		for i, w := range words {
			args[i] = w
		}
		got, err := user.Do(context.Background(), args...)
		lines = append(lines, fmt.Sprintf("%.60q -> %s", words, shown(words[0], got, err)))
	}
	for _, s := range open {
		s.Close()
	}
	require.Zero(t, statsOf(c).SnapshotBytes)
	return lines
}

// shown is a reply as text. Errors are their codes; the order of keys that have none is made one.
func shown(name string, got any, err error) string {
	if err != nil {
		code, _, _ := strings.Cut(err.Error(), " ")
		return "error " + code
	}
	if scan, ok := got.([]any); ok && name == "SCAN" {
		got = scan[1] // the cursor is 0
	}
	if keys, ok := got.([]any); ok && (name == "KEYS" || name == "SCAN") {
		sorted := make([]string, len(keys))
		for i, k := range keys {
			sorted[i] = fmt.Sprintf("%q", k)
		}
		slices.Sort(sorted)
		got = sorted
	}
	return fmt.Sprintf("%T %q", got, got)
}

func TestShapeDoesNotShow(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		want := transcript(t, seed, 16, false)
		if seed == 1 {
			digest := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(want, "\n"))))[:16]
			require.Equal(t, metaDigest, digest, "what commands answer has changed")
		}
		for _, shards := range []int{1, 2, 16, 256} {
			for _, snapshots := range []bool{false, true} {
				got := transcript(t, seed, shards, snapshots)
				require.Len(t, got, len(want))
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("shards %d, snapshots %v: command %d\n got %.300s\nwant %.300s", shards, snapshots, i, got[i], want[i])
					}
				}
			}
		}
	}
}
