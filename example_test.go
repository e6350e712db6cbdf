package darter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/darterdb/darter"
)

func Example() {
	c, err := darter.New(darter.Options{MaxMemory: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if err := c.Set("greeting", []byte("hello")); err != nil {
		log.Fatal(err)
	}
	greeting, err := c.Get("greeting")
	if errors.Is(err, darter.ErrNotFound) {
		log.Fatal("nobody greets")
	}
	fmt.Printf("%s, world\n", greeting)
	// Output: hello, world
}

// open returns a cache for an example.
func open(o darter.Options) *darter.Cache {
	c, err := darter.New(o)
	check(err)
	return c
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleCache_SetWith() {
	c := open(darter.Options{})
	defer c.Close()

	// A lock that goes away by itself.
	for _, owner := range []string{"first", "second"} {
		taken, err := c.SetWith("lock", []byte(owner), darter.SetOptions{IfAbsent: true, TTL: time.Minute})
		check(err)
		fmt.Println(owner, taken)
	}
	// Output:
	// first true
	// second false
}

func ExampleCache_GetMany() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.SetMany(maps.All(map[string][]byte{"name": []byte("Ada"), "title": []byte("Countess")})))

	values, err := c.GetMany("title", "name", "address")
	check(err)
	fmt.Printf("%s %s, lives: %t\n", values[0], values[1], values[2] != nil)
	// Output: Countess Ada, lives: false
}

func ExampleCache_View() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("log", []byte("one\ntwo\nthree\n")))

	lines := 0
	check(c.View("log", func(value []byte) error {
		lines = bytes.Count(value, []byte("\n")) // no copy is made
		return nil
	}))
	fmt.Println(lines)
	// Output: 3
}

func ExampleCache_AppendGet() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("a", []byte("alpha")))
	check(c.Set("b", []byte("beta")))

	var buf []byte // grows to what is needed and is used again
	for _, key := range []string{"a", "b"} {
		var err error
		buf, err = c.AppendGet(buf[:0], key)
		check(err)
		fmt.Printf("%s\n", buf)
	}
	// Output:
	// alpha
	// beta
}

func ExampleCache_Append() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("k", []byte("Hello")))

	length, err := c.Append("k", []byte(", World"))
	check(err)
	_, err = c.SetRange("k", 7, []byte("Redis"))
	check(err)
	last, err := c.GetRange("k", -5, -1)
	check(err)
	fmt.Printf("%d %s\n", length, last)
	// Output: 12 Redis
}

func ExampleCache_Expire() {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c := open(darter.Options{Now: func() time.Time { return now }})
	defer c.Close()
	check(c.Set("session", []byte("of Ada")))

	ttl, err := c.TTL("session")
	check(err)
	fmt.Println("for ever:", ttl == darter.NoExpiry)

	_, err = c.Expire("session", 30*time.Minute)
	check(err)
	now = now.Add(20 * time.Minute)
	ttl, err = c.TTL("session")
	check(err)
	fmt.Println("left:", ttl)

	now = now.Add(10 * time.Minute)
	_, err = c.Get("session")
	fmt.Println(errors.Is(err, darter.ErrNotFound))
	// Output:
	// for ever: true
	// left: 10m0s
	// true
}

func ExampleCache_Incr() {
	c := open(darter.Options{})
	defer c.Close()

	for range 3 {
		_, err := c.Incr("visits", 1)
		check(err)
	}
	visits, err := c.Incr("visits", 10)
	check(err)
	price, err := c.IncrFloat("price", 0.1)
	check(err)
	price, err = c.IncrFloat("price", 0.2)
	check(err)
	fmt.Println(visits, price)
	// Output: 13 0.3
}

func ExampleCache_Keys() {
	c := open(darter.Options{})
	defer c.Close()
	for _, key := range []string{"user:1", "user:2", "order:1"} {
		check(c.Set(key, nil))
	}
	fmt.Println(slices.Sorted(c.Keys("user:*")))
	// Output: [user:1 user:2]
}

func ExampleCache_All() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("a", []byte("1")))
	check(c.Set("b", []byte("2")))

	for key, value := range c.All() {
		check(c.Set(key, append(value, '0'))) // nothing is held meanwhile
	}
	values := maps.Collect(c.All())
	fmt.Printf("%s %s\n", values["a"], values["b"])
	// Output: 10 20
}

func ExampleCache_Scan() {
	c := open(darter.Options{})
	defer c.Close()
	for i := range 1000 {
		check(c.Set(fmt.Sprint("key:", i), nil))
	}
	met := map[string]bool{}
	for cursor := uint64(0); ; {
		keys, next, err := c.Scan(cursor, darter.ScanOptions{Match: "key:*", Count: 100})
		check(err)
		for _, key := range keys {
			met[key] = true
		}
		if cursor = next; cursor == 0 { // it may be kept and gone on with later
			break
		}
	}
	fmt.Println(len(met))
	// Output: 1000
}

func ExampleCache_Snapshot() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("balance", []byte("100")))

	snap, err := c.Snapshot()
	check(err)
	defer snap.Close()
	check(c.Set("balance", []byte("50")))
	check(c.Set("later", []byte("1")))

	for key, value := range snap.All() {
		fmt.Printf("%s was %s\n", key, value)
	}
	// Output: balance was 100
}

func ExampleSnapshot_Diff() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("changed", []byte("old")))
	check(c.Set("stays", []byte("as it is")))
	before, err := c.Snapshot()
	check(err)
	defer before.Close()

	check(c.Set("changed", []byte("new")))
	after, err := c.Snapshot()
	check(err)
	defer after.Close()

	for change := range after.Diff(before) {
		fmt.Printf("%s: %s -> %s\n", change.Key, change.Before.Value, change.After.Value)
	}
	// Output: changed: old -> new
}

func ExampleCache_Watch() {
	c := open(darter.Options{})
	defer c.Close()
	ctx := context.Background()
	check(c.Set("price", []byte("40")))
	var total int
	check(c.Watch(ctx, []string{"price"}, func() error { // others go on meanwhile, however long it takes
		price, err := c.Get("price")
		if err == nil {
			total, err = strconv.Atoi(string(price))
		}
		total *= 3
		return err
	}, func(tx *darter.Tx) error { // nobody has changed the price
		return tx.Set("total", strconv.AppendInt(nil, int64(total), 10))
	}))
	value, err := c.Get("total")
	check(err)
	fmt.Printf("%s\n", value)
	// Output: 120
}

func ExampleCache_Save() {
	c := open(darter.Options{})
	defer c.Close()
	check(c.Set("k", []byte("kept")))
	var file bytes.Buffer
	check(c.Save(&file))

	other := open(darter.Options{Shards: 64})
	defer other.Close()
	check(other.Load(&file))
	value, err := other.Get("k")
	check(err)
	fmt.Printf("%s\n", value)
	// Output: kept
}

func ExampleCache_Do() {
	c := open(darter.Options{})
	defer c.Close()
	ctx := context.Background()

	_, err := c.Do(ctx, "MSETNX", "a", 1, "b", "two")
	check(err)
	reply, err := c.Do(ctx, "STRLEN", "b")
	check(err)
	fmt.Println(reply)

	_, err = c.Do(ctx, "INCR", "b")
	fmt.Println(err)
	// Output:
	// 3
	// ERR value is not an integer or out of range
}

func ExampleSession() {
	c := open(darter.Options{})
	defer c.Close()
	ctx := context.Background()
	s := c.NewSession()
	defer s.Close()

	_, err := s.Do(ctx, "SELECT", 3)
	check(err)
	_, err = s.Do(ctx, "SET", "k", "in database 3")
	check(err)
	value, err := c.DB(3).Get("k")
	check(err)
	fmt.Printf("%s, %d keys in database 0\n", value, c.Len())
	// Output: in database 3, 0 keys in database 0
}

func ExampleCache_DB() {
	c := open(darter.Options{Databases: 4})
	defer c.Close()
	check(c.Set("k", []byte("v")))

	moved, err := c.Move("k", 3)
	check(err)
	fmt.Println(moved, c.Len(), c.DB(3).Len())
	// Output: true 0 1
}
