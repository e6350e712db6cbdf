package darter_test

import (
	"fmt"

	"github.com/darterdb/darter"
)

func ExampleList() {
	c := open(darter.Options{})
	defer c.Close()

	jobs := c.List("jobs")
	_, err := jobs.PushRight([]byte("mail"), []byte("resize"), []byte("mail"))
	check(err)
	_, err = jobs.PushLeft([]byte("urgent"))
	check(err)

	// A worker takes a job and notes it as under way in one step.
	job, err := jobs.Move(darter.Left, c.List("under way"), darter.Right)
	check(err)
	fmt.Printf("%s\n", job)

	at, err := jobs.FindAll([]byte("mail"), darter.ListSearch{})
	check(err)
	fmt.Println(at)
	for i, job := range jobs.All() {
		fmt.Printf("%d %s\n", i, job)
	}
	// Output:
	// urgent
	// [0 2]
	// 0 mail
	// 1 resize
	// 2 mail
}
