// LOLWUT: a pond at dusk, another one each time.

package command

import (
	"math/rand/v2"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
)

// Version is darter's own version.
const Version = "0.1.0"

const (
	pondWidth  = 64
	pondHeight = 12
	pondReeds  = 14
)

// dragonflies are what may hover over the pond, facing both ways. Blanks let the reeds shine through.
var dragonflies = [][]string{
	{
		` \\ //      `,
		` (o)=-=-=-- `,
		` // \\      `,
	},
	{
		`      \\ // `,
		` --=-=-=(o) `,
		`      // \\ `,
	},
}

// runLolwut answers LOLWUT. It takes VERSION, which picks a picture elsewhere; here there is one.
func runLolwut(c *Call) {
	if len(c.Args) >= 3 && sameName("version", c.Args[1]) {
		if _, ok := num.ParseInt(c.Args[2]); !ok {
			c.Fail(errs.NotInteger)
			return
		}
	}
	c.W.Verbatim("txt", pond()+"\ndarter ver. "+Version+"\n")
}

// pond draws water, reeds out of it, and dragonflies over it: pondHeight lines of pondWidth characters at most.
func pond() string {
	var canvas [pondHeight][pondWidth]byte
	for y := range canvas {
		for x := range canvas[y] {
			canvas[y][x] = ' '
			if y == pondHeight-1 {
				canvas[y][x] = "~~~~-~~~"[rand.IntN(8)]
			}
		}
	}
	for range pondReeds {
		x, top := rand.IntN(pondWidth), pondHeight-3-rand.IntN(pondHeight/2)
		canvas[top][x] = 'Y'
		for y := top + 1; y < pondHeight; y++ {
			canvas[y][x] = '|'
		}
	}
	// One dragonfly in each third of the width, so that they never collide.
	for third := range 3 {
		art := dragonflies[rand.IntN(len(dragonflies))]
		room := pondWidth/3 - len(art[0])
		left := third*(pondWidth/3) + rand.IntN(room)
		top := rand.IntN(pondHeight - 4)
		for y, line := range art {
			for x := range len(line) {
				if line[x] != ' ' {
					canvas[top+y][left+x] = line[x]
				}
			}
		}
	}
	var text []byte
	for _, line := range canvas {
		end := len(line)
		for end > 0 && line[end-1] == ' ' {
			end--
		}
		text = append(append(text, line[:end]...), '\n')
	}
	return string(text)
}
