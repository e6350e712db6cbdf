package darter_test

import (
	"fmt"
	"slices"

	"github.com/darterdb/darter"
)

func ExampleSet() {
	c := open(darter.Options{})
	defer c.Close()

	online := c.SetOf("online")
	_, err := online.Add("ann", "bob", "cid")
	check(err)
	_, err = c.SetOf("friends:ann").Add("bob", "dot")
	check(err)

	isOnline, err := online.Has("ann")
	check(err)
	fmt.Println(isOnline)
	friends, err := c.Intersect("online", "friends:ann")
	check(err)
	fmt.Println(friends)
	fmt.Println(slices.Sorted(online.All()))
	// Output:
	// true
	// [bob]
	// [ann bob cid]
}

func ExampleCache_DifferenceStore() {
	c := open(darter.Options{})
	defer c.Close()

	_, err := c.SetOf("invited").Add("ann", "bob", "cid")
	check(err)
	_, err = c.SetOf("answered").Add("bob")
	check(err)
	n, err := c.DifferenceStore("to remind", "invited", "answered")
	check(err)
	members, err := c.SetOf("to remind").Members()
	check(err)
	slices.Sort(members)
	fmt.Println(n, members)
	// Output: 2 [ann cid]
}
