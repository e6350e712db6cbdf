package darter_test

import (
	"fmt"

	"github.com/darterdb/darter"
)

func ExampleBits() {
	c := open(darter.Options{})
	defer c.Close()

	// Who was here on which day: a bit for each user.
	for _, user := range []int64{3, 17, 42} {
		_, err := c.Bits("monday").Set(user, true)
		check(err)
	}
	for _, user := range []int64{17, 42, 99} {
		_, err := c.Bits("tuesday").Set(user, true)
		check(err)
	}
	_, err := c.Bits("both").Op(darter.BitAnd, "monday", "tuesday")
	check(err)
	n, err := c.Bits("both").Count()
	check(err)
	first, err := c.Bits("both").Pos(true, 0)
	check(err)
	fmt.Printf("%d users came on both days, the first is %d\n", n, first)
	// Output: 2 users came on both days, the first is 17
}
