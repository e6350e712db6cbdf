package slab

// Sizes of cells. Up to 512 B a step is 8 B, so that a small entry wastes 3.5 B on average; up to 2 KiB it is 64 B;
// above, a class is what lets k cells fill a span, for k from 31 down to 4, in multiples of 64 B so that the pages of an
// index lie on cache lines. Larger cells are runs of whole blocks; of a run only the pages that are touched are resident.
const (
	fineStep   = 8
	fineMax    = 512
	coarseStep = 64
	coarseMax  = 2048
	minCells   = 4
	maxSmall   = (BlockSize - headerSize) / minCells &^ 63
	pageSize   = 4096

	numClasses = (fineMax-16)/fineStep + 1 + (coarseMax-fineMax)/coarseStep + 28
)

var (
	classSize [numClasses]uint32
	classOf   [maxSmall/8 + 1]uint8 // by size in units of 8 bytes, rounded up
)

func init() {
	n := 0
	add := func(size int) {
		classSize[n] = uint32(size)
		n++
	}
	for size := 16; size <= fineMax; size += fineStep {
		add(size)
	}
	for size := fineMax + coarseStep; size <= coarseMax; size += coarseStep {
		add(size)
	}
	for k := 31; k >= minCells; k-- {
		add((BlockSize - headerSize) / k &^ 63)
	}
	if n != numClasses {
		panic("slab: numClasses is wrong")
	}
	c := 0
	for i := range classOf {
		for int(classSize[c]) < i*8 {
			c++
		}
		classOf[i] = uint8(c)
	}
}

// CellSize returns the size of the cell that a request for n bytes gets: what may be used of it, and what it counts for.
func CellSize(n int) int {
	if n <= maxSmall {
		return int(classSize[classOf[(n+7)>>3]])
	}
	if n <= BlockSize {
		return (n+headerSize+pageSize-1)&^(pageSize-1) - headerSize
	}
	// An eighth of the next lower power of two, so that a value that grows bit by bit is moved seldom.
	step := pageSize
	for step <= n>>4 {
		step <<= 1
	}
	return (n+headerSize+step-1)&^(step-1) - headerSize
}

// runBytes returns the size in whole blocks of the run that holds a large cell of that size.
func runBytes(cell int) int { return (cell + headerSize + BlockSize - 1) &^ (BlockSize - 1) }
