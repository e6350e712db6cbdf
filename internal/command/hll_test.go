package command

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHLL(t *testing.T) {
	const (
		wrong  = "WRONGTYPE Key is not a valid HyperLogLog string value."
		broken = "INVALIDOBJ Corrupted HLL object detected"
	)
	script(t, `
		PFADD h => 1
		PFADD h => 0
		PFCOUNT h => 0
		PFADD h a b c => 1
		PFADD h a b c => 0
		PFDEBUG DECODE h => "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
		PFCOUNT h => 3
		GET h => "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00`+"`\\xf3\\x80P\\xb1\\x84K\\xfb\\x80BZ"+`"
		PFADD i c d => 1
		PFCOUNT h i none => 4
		PFMERGE m h i none => OK
		PFCOUNT m => 4
		PFMERGE alone => OK
		PFCOUNT alone => 0
		PFDEBUG ENCODING m => sparse
		PFDEBUG TODENSE m => 1
		PFDEBUG TODENSE m => 0
		PFDEBUG ENCODING m => dense
		PFDEBUG DECODE m => ERR HLL encoding is not sparse
		PFCOUNT m => 4
		PFADD m a d => 0
		PFADD m e => 1
		PFCOUNT m => 5
		PFMERGE h m => OK
		PFDEBUG ENCODING h => dense
		PFDEBUG NONE h => ERR Unknown PFDEBUG subcommand 'NONE'
		PFDEBUG NONE none => ERR The specified key does not exist
		SET s text => OK
		PFADD s a => `+wrong+`
		PFCOUNT s => `+wrong+`
		PFCOUNT h s => `+wrong+`
		PFMERGE h s => `+wrong+`
		PFMERGE s h => `+wrong+`
		PFDEBUG GETREG s => `+wrong+`
		SET b "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xf0" => OK
		PFCOUNT b => `+broken+`
		PFCOUNT b h => `+broken+`
		PFMERGE h b => `+broken+`
		PFDEBUG TODENSE b => `+broken+`
		PFDEBUG GETREG b => `+broken+`
		PFSELFTEST => OK
	`)
}

// TestHLLRegisters shows registers while elements are added and the form changes.
func TestHLLRegisters(t *testing.T) {
	b := newBench(t, 1)
	for i := range 3000 {
		b.do("PFADD", "h", strconv.Itoa(i))
		if i%700 == 0 {
			registers := strings.Fields(strings.Trim(b.do("PFDEBUG", "GETREG", "h"), "[]"))
			require.Len(t, registers, 16384)
			b.do("DEL", "h2")
			for j := range i + 1 {
				b.do("PFADD", "h2", strconv.Itoa(j))
			}
			require.Equal(t, strings.Fields(strings.Trim(b.do("PFDEBUG", "GETREG", "h2"), "[]")), registers)
			n, err := strconv.Atoi(b.do("PFCOUNT", "h"))
			require.NoError(t, err)
			require.InDelta(t, i+1, n, float64(i)/30+1)
		}
	}
	require.Equal(t, fmt.Sprint(12304), b.do("STRLEN", "h"))
}
