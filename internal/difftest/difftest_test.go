package difftest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

// AddrEnv names the environment variable that puts a server that already runs in the place of the one in this
// process. Its data is flushed.
const AddrEnv = "DIFFTEST_ADDR"

// addresses starts the servers of a test and returns where they listen.
func addresses(t testing.TB) (realAddr, ourAddr string) {
	t.Helper()
	realAddr = redistest.Start(t, "--enable-debug-command", "yes").Addr
	if ourAddr = os.Getenv(AddrEnv); ourAddr == "" {
		ourAddr = serveDarter(t)
	}
	return realAddr, ourAddr
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	realAddr, ourAddr := addresses(t)
	for _, file := range files {
		steps, err := loadScript(file)
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name+"/RESP2", func(t *testing.T) { runScript(t, steps, newPair(t, realAddr, ourAddr, false)) })
		t.Run(name+"/RESP3", func(t *testing.T) { runScript(t, steps, newPair(t, realAddr, ourAddr, true)) })
	}
}

// runScript reports every line that differs, up to a number past which the rest only repeats one fault; a hang counts for many.
func runScript(t *testing.T, steps []*step, p *pair) {
	const most = 25
	for left := most; len(steps) > 0; steps = steps[1:] {
		wrong := p.run(steps[0])
		if wrong == "" {
			continue
		}
		t.Error(wrong)
		if left--; strings.Contains(wrong, hung) {
			left -= most / 3
		}
		if left <= 0 {
			t.Fatal("too much differs; the rest of the script is left out")
		}
	}
}

var (
	randomCount = flag.Int("random.count", 4000, "how many random commands to compare in each protocol")
	randomSeed  = flag.Uint64("random.seed", 1, "the seed of the random commands")
)

func TestRandom(t *testing.T) {
	realAddr, ourAddr := addresses(t)
	for _, resp3 := range []bool{false, true} {
		name, seed := "RESP2", *randomSeed
		if resp3 {
			name, seed = "RESP3", *randomSeed+1_000_000
		}
		t.Run(name, func(t *testing.T) {
			runRandom(t, newPair(t, realAddr, ourAddr, resp3), seed, *randomCount)
		})
	}
}
