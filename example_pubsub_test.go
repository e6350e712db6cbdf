package darter_test

import (
	"context"
	"fmt"

	"github.com/darterdb/darter"
)

func ExampleCache_Subscribe() {
	c := open(darter.Options{})
	defer c.Close()

	sub := c.Subscribe(context.Background(), "news", "weather")
	defer sub.Close()

	fmt.Println("receivers:", c.Publish("news", []byte("a darter was seen")))
	c.Publish("sports", []byte("nobody has subscribed to this"))
	c.Publish("weather", []byte("sunny"))

	left := 2
	for m := range sub.Messages() {
		fmt.Printf("%s: %s\n", m.Channel, m.Payload)
		if left--; left == 0 {
			break
		}
	}
	// Output:
	// receivers: 1
	// news: a darter was seen
	// weather: sunny
}

func ExampleCache_SubscribePattern() {
	c := open(darter.Options{})
	defer c.Close()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	sub := c.SubscribePattern(ctx, "user:*")
	c.Publish("user:1", []byte("logged in"))
	c.Publish("user:2", []byte("logged out"))
	for m := range sub.Messages() {
		fmt.Printf("%s matches %s: %s\n", m.Channel, m.Pattern, m.Payload)
		if m.Channel == "user:2" {
			stop() // ends the iteration too
		}
	}
	// Output:
	// user:1 matches user:*: logged in
	// user:2 matches user:*: logged out
}

// Few messages may wait here. A reader that is slow gets the newest, and learns how many it has missed.
func ExampleCache_SubscribeTo() {
	c := open(darter.Options{})
	defer c.Close()

	sub := c.SubscribeTo(context.Background(), darter.SubscribeOptions{Channels: []string{"price"}, Messages: 2})
	defer sub.Close()
	for price := 100; price < 105; price++ {
		c.Publish("price", fmt.Append(nil, price))
	}
	for m := range sub.Messages() {
		fmt.Printf("%s (%d missed)\n", m.Payload, m.Missed)
		if string(m.Payload) == "104" {
			break
		}
	}
	fmt.Println("dropped:", sub.Dropped())
	// Output:
	// 103 (3 missed)
	// 104 (0 missed)
	// dropped: 3
}
