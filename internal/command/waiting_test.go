package command

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The times that commands wait for, as Redis reads them: -0.001 is for ever with it, what is a little less is refused.
func TestTimeout(t *testing.T) {
	for arg, want := range map[string]any{
		"0": time.Duration(0), "-0": time.Duration(0), "1": time.Second, "0.5": 500 * time.Millisecond, "0.0001": time.Millisecond,
		"1e-300": time.Millisecond, "0x1p3": 8 * time.Second, "-0.001": time.Duration(0), "-1e-3": time.Duration(0),
		"-0.0001": time.Duration(0), "-1e-300": time.Duration(0), "9.2e15": time.Duration(math.MaxInt64),
		"-0.0010000000000000001": errTimeoutNegative, "-0.002": errTimeoutNegative, "-0.01": errTimeoutNegative,
		"-1": errTimeoutNegative, "-inf": errTimeoutNegative, "-1e300": errTimeoutNegative,
		"inf": errTimeoutRange, "9223372036854776": errTimeoutRange, "nan": errWaitTime, "x": errWaitTime, "": errWaitTime,
	} {
		got, err := timeout([]byte(arg))
		if fail, ok := want.(error); ok {
			require.ErrorIs(t, err, fail, arg)
			continue
		}
		require.NoError(t, err, arg)
		require.Equal(t, want, got, arg)
	}
}
