package darter_test

import (
	"fmt"
	"time"

	"github.com/darterdb/darter"
)

func ExampleStream() {
	now := time.UnixMilli(1_700_000_000_000)
	c := open(darter.Options{Now: func() time.Time { return now }})
	defer c.Close()
	jobs := c.Stream("jobs")
	check(jobs.CreateGroup("workers", darter.GroupStart{MakeNew: true}))
	for _, name := range []string{"sweep", "paint", "lock up"} {
		_, err := jobs.Add("job", name)
		check(err)
	}

	// Each job goes to one worker.
	for _, worker := range []string{"ann", "bob"} {
		entries, err := jobs.ReadGroup("workers", worker, darter.GroupRead{Count: 1})
		check(err)
		for _, e := range entries {
			job, _ := e.Get("job")
			fmt.Printf("%s: %s (%v)\n", worker, job, e.ID)
		}
	}

	// Ann is done. Bob isn't heard of any more, so Ann takes over.
	_, err := jobs.Ack("workers", darter.StreamID{Ms: 1_700_000_000_000})
	check(err)
	now = now.Add(time.Minute)
	claimed, err := jobs.AutoClaim("workers", "ann", darter.AutoClaimOptions{
		ClaimOptions: darter.ClaimOptions{MinIdle: 30 * time.Second},
	})
	check(err)
	for _, e := range claimed.Entries {
		fmt.Println("ann takes over", e.ID)
	}

	// All of it stays in the stream.
	for e := range jobs.All() {
		fmt.Printf("%v %s\n", e.ID, e.Fields[0].Value)
	}
	// Output:
	// ann: sweep (1700000000000-0)
	// bob: paint (1700000000000-1)
	// ann takes over 1700000000000-1
	// 1700000000000-0 sweep
	// 1700000000000-1 paint
	// 1700000000000-2 lock up
}
