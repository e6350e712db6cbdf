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
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	// Scripts wait much, so two run at a time, each with servers of its own; a given server is there once.
	servers := make(chan [2]string, 2)
	for range cap(servers) {
		realAddr, ourAddr := addresses(t)
		servers <- [2]string{realAddr, ourAddr}
		if os.Getenv(AddrEnv) != "" {
			break
		}
	}
	for _, file := range files {
		steps, err := loadScript(file)
		require.NoError(t, err)
		for _, resp3 := range []bool{false, true} {
			name := strings.TrimSuffix(filepath.Base(file), ".txt") + "/RESP2"
			if resp3 {
				name = strings.TrimSuffix(name, "2") + "3"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				addr := <-servers
				defer func() { servers <- addr }()
				runScript(t, steps, newPair(t, addr[0], addr[1], resp3))
			})
		}
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
	t.Parallel()
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
