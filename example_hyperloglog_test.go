package darter_test

import (
	"fmt"

	"github.com/darterdb/darter"
)

func ExampleHyperLogLog() {
	c := open(darter.Options{})
	defer c.Close()

	// How many different visitors there were, in 12 KB whatever their number.
	_, err := c.HyperLogLog("visitors:monday").Add("ann", "bob", "cid", "bob")
	check(err)
	_, err = c.HyperLogLog("visitors:tuesday").Add("cid", "dot")
	check(err)
	monday, err := c.HyperLogLog("visitors:monday").Count()
	check(err)
	check(c.HyperLogLog("visitors:week").Merge("visitors:monday", "visitors:tuesday"))
	week, err := c.HyperLogLog("visitors:week").Count()
	check(err)
	fmt.Println(monday, week)
	// Output: 3 4
}
