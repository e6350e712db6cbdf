package darter_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/darterdb/darter"
)

func ExampleHash() {
	c := open(darter.Options{})
	defer c.Close()

	user := c.Hash("user:1")
	_, err := user.SetMany(maps.All(map[string][]byte{"name": []byte("Ann"), "city": []byte("Oslo")}))
	check(err)
	visits, err := user.Incr("visits", 1)
	check(err)
	name, err := user.Get("name")
	check(err)
	fmt.Println(string(name), visits)

	fields, err := user.Fields()
	check(err)
	fmt.Println(slices.Sorted(slices.Values(fields)))
	// Output:
	// Ann 1
	// [city name visits]
}

func ExampleHash_ExpireFields() {
	now := time.Unix(1_700_000_000, 0)
	c := open(darter.Options{Now: func() time.Time { return now }})
	defer c.Close()

	session := c.Hash("session:7")
	check(session.Set("user", []byte("ann")))
	check(session.Set("token", []byte("secret")))
	_, err := session.ExpireFields(time.Minute, "token")
	check(err)

	now = now.Add(time.Minute)
	has, err := session.Has("token")
	check(err)
	n, err := session.Len()
	check(err)
	fmt.Println(has, n)
	// Output: false 1
}
