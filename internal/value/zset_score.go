package value

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// # Scores
//
// A score is a float64 that is a number or infinite. -0 is kept as 0: so Redis does in its small form, and nothing but
// the printed sign could tell.
//
// In a packed sorted set a score takes as few bytes as it needs. Most are integers or decimals of a few digits, and a
// decimal is the quotient of an integer and a power of ten: the nearest float64 to the quotient is the one that the
// decimal's text reads as, so nothing is lost.
//
//	0x00 ... 0x9F                     the integer 0 to 159
//	0xA0 ... 0xDF + 1 byte            160 + 256 times what is over 0xA0 + the byte
//	0xE0 + 7s + w-1 + w bytes         an integer in 1 to 7 bytes, little-endian, signed, divided by 10^s; s is 0 to 3
//	0xFC + 4 bytes                    a float32
//	0xFD + 8 bytes                    a float64
//
// A score has exactly one such form, the shortest; of equally short ones the first here.
//
// In a tree a score is 8 bytes that compare as scores do: big-endian, with the sign bit flipped, and all bits of a
// negative one.

const (
	scoreTwo     = 0xA0
	scoreScaled  = 0xE0
	scoreFloat32 = 0xFC
	scoreFloat64 = 0xFD

	maxScoreTwo   = scoreTwo + (scoreScaled-scoreTwo)<<8 - 1
	maxScoreWidth = 7

	// keySize is what a score takes in front of a member in a tree.
	keySize = 8
)

var powersOfTen = [...]float64{1, 10, 100, 1000}

// scoreSizes has the sizes of scores from scoreScaled on.
var scoreSizes = func() (sizes [32]uint8) {
	for i := range 28 {
		sizes[i] = uint8(2 + i%maxScoreWidth)
	}
	sizes[scoreFloat32-scoreScaled] = 5
	sizes[scoreFloat64-scoreScaled] = 9
	return sizes
}()

// appendScore appends a score.
func appendScore(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<(8*maxScoreWidth-1) {
		n := int64(f)
		switch {
		case n < 0 || n > maxScoreTwo:
			return appendScaled(dst, n, 0)
		case n < scoreTwo:
			return append(dst, byte(n))
		}
		n -= scoreTwo
		return append(dst, byte(scoreTwo+n>>8), byte(n))
	}
	size := 9
	if float64(float32(f)) == f {
		size = 5
	}
	for s := 1; s < len(powersOfTen); s++ {
		n := math.RoundToEven(f * powersOfTen[s])
		if math.Abs(n) <= 1<<53 && n/powersOfTen[s] == f {
			if 1+scaledWidth(int64(n)) < size {
				return appendScaled(dst, int64(n), s)
			}
			break
		}
	}
	if size == 5 {
		return binary.LittleEndian.AppendUint32(append(dst, scoreFloat32), math.Float32bits(float32(f)))
	}
	return binary.LittleEndian.AppendUint64(append(dst, scoreFloat64), math.Float64bits(f))
}

// scaledWidth returns in how many bytes a signed integer can be kept.
func scaledWidth(n int64) int { return (bits.Len64(uint64(n^n>>63)) + 8) / 8 }

func appendScaled(dst []byte, n int64, scale int) []byte {
	width := scaledWidth(n)
	dst = append(dst, byte(scoreScaled+maxScoreWidth*scale+width-1))
	for range width {
		dst = append(dst, byte(n))
		n >>= 8
	}
	return dst
}

// scoreSize returns how many bytes the score takes that b starts with.
func scoreSize(b []byte) int {
	switch h := b[0]; {
	case h < scoreTwo:
		return 1
	case h < scoreScaled:
		return 2
	default:
		return int(scoreSizes[h-scoreScaled])
	}
}

// readScore returns the score that b starts with and its size.
func readScore(b []byte) (float64, int) {
	h := b[0]
	switch {
	case h < scoreTwo:
		return float64(h), 1
	case h < scoreScaled:
		return float64(scoreTwo + int(h-scoreTwo)<<8 + int(b[1])), 2
	case h == scoreFloat32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[1:]))), 5
	case h == scoreFloat64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b[1:])), 9
	}
	scale, size := int(h-scoreScaled)/maxScoreWidth, int(scoreSizes[h-scoreScaled])
	n := int64(int8(b[size-1]))
	for i := size - 2; i > 0; i-- {
		n = n<<8 | int64(b[i])
	}
	if scale == 0 {
		return float64(n), size
	}
	return float64(n) / powersOfTen[scale], size
}

// validScore checks bytes from outside that should start with a score, and returns its size.
func validScore(b []byte) (size int, ok bool) {
	if len(b) == 0 || b[0] > scoreFloat64 {
		return 0, false
	}
	if size = scoreSize(b); size > len(b) {
		return 0, false
	}
	f, _ := readScore(b)
	var buf [9]byte
	return size, f == f && string(appendScore(buf[:0], f)) == string(b[:size])
}

// plainScore returns a score as it is kept: -0 as 0.
func plainScore(f float64) float64 {
	if f == 0 {
		return 0
	}
	return f
}

// appendKey appends a score as it stands in a tree.
func appendKey(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(dst, keyBits(f))
}

func keyBits(f float64) uint64 {
	u := math.Float64bits(f)
	return u ^ (uint64(int64(u)>>63) | 1<<63)
}

// keyScore returns the score that a tree's element starts with.
func keyScore(b []byte) float64 {
	u := binary.BigEndian.Uint64(b)
	return math.Float64frombits(u ^ (^uint64(int64(u)>>63) | 1<<63))
}
