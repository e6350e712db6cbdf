// Command served uses a cache in process and serves the same cache over the Redis protocol meanwhile: the program sees
// what clients write, and clients what the program writes.
//
// Without arguments it plays its own client and ends. With an address, such as localhost:6380, it serves there until it
// is interrupted; try redis-cli -p 6380 get from-go.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/resp"
)

func main() {
	c, err := darter.New(darter.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if err := c.Set("from-go", []byte("written in process")); err != nil {
		log.Fatal(err)
	}

	addr := "127.0.0.1:0"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- resp.Serve(ctx, ln, c, resp.Options{}) }()

	if len(os.Args) == 1 {
		if err := visit(ln.Addr().String()); err != nil {
			log.Fatal(err)
		}
		value, err := c.Get("from-client")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("the program reads: %s\n", value)
		stop()
	}
	if err := <-served; err != nil {
		log.Fatal(err)
	}
}

// visit is a client that speaks the protocol's inline form.
func visit(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "GET from-go\r\nSET from-client hello\r\n"); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	for range 3 {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		fmt.Printf("the client reads: %s", line)
	}
	return nil
}
