// Command quickstart uses a cache in process: plain values, counters, expiry, a snapshot.
package main

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/darterdb/darter"
)

func main() {
	c, err := darter.New(darter.Options{MaxMemory: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	must(c.Set("greeting", []byte("hello")))
	greeting, err := c.Get("greeting")
	must(err)
	fmt.Printf("greeting: %s\n", greeting)

	for range 3 {
		_, err := c.Incr("visits", 1)
		must(err)
	}
	visits, err := c.Get("visits")
	must(err)
	fmt.Printf("visits: %s\n", visits)

	_, err = c.Expire("greeting", 20*time.Millisecond)
	must(err)
	snap, err := c.Snapshot() // the cache as it is now, for a few words a shard
	must(err)
	defer snap.Close()
	time.Sleep(40 * time.Millisecond)

	if _, err := c.Get("greeting"); errors.Is(err, darter.ErrNotFound) {
		fmt.Println("greeting has expired")
	}
	greeting, err = snap.Get("greeting")
	must(err)
	fmt.Printf("in the snapshot it is still %s\n", greeting)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
