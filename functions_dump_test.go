package darter

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDumpSum(t *testing.T) {
	require.Equal(t, uint64(0xe9c6d914c4b8d9ca), dumpSum([]byte("123456789")))
}

func TestUnpackLZF(t *testing.T) {
	for _, tt := range []struct {
		in, want string
	}{
		{"", ""},
		{"\x02abc", "abc"},
		{"\x00a\x20\x00", "aaaa"},
		{"\x00a\xe0\x05\x00", strings.Repeat("a", 15)},
		{"\x02abc\x20\x02x", "abcabc"}, // too long: the run of 'x' lacks its byte
	} {
		out, ok := unpackLZF([]byte(tt.in), len(tt.want))
		if strings.HasSuffix(tt.in, "x") {
			require.False(t, ok)
			continue
		}
		require.True(t, ok, "%q", tt.in)
		require.Equal(t, tt.want, string(out))
	}
}

// FuzzParseLibraries looks for dumps that make the parser fail in another way than with an error.
func FuzzParseLibraries(f *testing.F) {
	f.Add([]byte("\xf5\x03abc"))
	f.Add([]byte("\xf5\xc3\x04\x04\x00a\x20\x00"))
	f.Add([]byte("\xf5\xc0\x10\xf5\xc1\x10\x10\xf5\xc2\x10\x10\x10\x10"))
	f.Add([]byte("\xf5\x81\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\xf5\xc3\x02\x81\x00\x00\x00\x00\x1f\xff\xff\xff\x00a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.LittleEndian.AppendUint16(b, dumpVersion)
		b = binary.LittleEndian.AppendUint64(b, dumpSum(b))
		texts, err := parseLibraries(b)
		if err != nil {
			return
		}
		total := 0
		for _, text := range texts {
			total += len(text)
		}
		require.LessOrEqual(t, total, lzfMost*len(b)+lzfMost)
	})
}
