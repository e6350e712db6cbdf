package darter_test

import (
	"fmt"

	"github.com/darterdb/darter"
)

func ExampleSortedSet() {
	c := open(darter.Options{})
	defer c.Close()

	players := c.SortedSet("players")
	_, err := players.AddMany(darter.Scored{Member: "ann", Score: 120}, darter.Scored{Member: "bob", Score: 95},
		darter.Scored{Member: "cid", Score: 200})
	check(err)
	_, err = players.Incr("bob", 50)
	check(err)

	best, err := players.Range(darter.SortedRange{Reverse: true, Limit: 2})
	check(err)
	for i, p := range best {
		fmt.Printf("%d. %s %g\n", i+1, p.Member, p.Score)
	}
	rank, err := players.RevRank("ann")
	check(err)
	fmt.Println("ann is number", rank+1)
	n, err := players.Count(darter.ByScore(100, 150))
	check(err)
	fmt.Println(n, "have 100 to 150 points")
	// Output:
	// 1. cid 200
	// 2. bob 145
	// ann is number 3
	// 2 have 100 to 150 points
}

func ExampleByPrefix() {
	c := open(darter.Options{})
	defer c.Close()

	words := c.SortedSet("words")
	for _, w := range []string{"dart", "dare", "darter", "data", "date"} {
		_, err := words.Add(w, 0)
		check(err)
	}
	found, err := words.Range(darter.ByPrefix("dar"))
	check(err)
	for _, e := range found {
		fmt.Println(e.Member)
	}
	// Output:
	// dare
	// dart
	// darter
}

func ExampleCache_SortedUnionStore() {
	c := open(darter.Options{})
	defer c.Close()

	for day, visits := range map[string]float64{"monday": 10, "tuesday": 5} {
		_, err := c.SortedSet("visits:"+day).Add("/home", visits)
		check(err)
	}
	_, err := c.SortedSet("visits:tuesday").Add("/about", 3)
	check(err)
	_, err = c.SortedUnionStore("visits", darter.SortedMerge{}, "visits:monday", "visits:tuesday")
	check(err)
	for page, visits := range c.SortedSet("visits").Backward() {
		fmt.Println(page, visits)
	}
	// Output:
	// /home 15
	// /about 3
}
