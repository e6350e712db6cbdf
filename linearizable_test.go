package darter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// Several users work on few keys at once. For what they were told there must be an order, one command after the other,
// that explains it and in which no command comes before one that had ended when it began.

const (
	linUsers  = 4
	linKeys   = 3
	linSteps  = 100
	linRounds = 40
)

// linCommand is a command as it was given, on keys by number, and linReply what it answered.
type linCommand struct {
	name string
	keys []int
	args []string
}

type linReply string

// linState is what the keys hold; "-" stands for nothing, values are digits.
type linState [linKeys]string

// apply runs a command on a state.
func (c linCommand) apply(s linState) (linState, linReply) {
	var k int
	var old string
	if len(c.keys) > 0 {
		k = c.keys[0]
		old = s[k]
	}
	value := linReply("nil")
	if old != "-" {
		value = linReply(old)
	}
	switch c.name {
	case "GET":
		return s, value
	case "GETDEL":
		s[k] = "-"
		return s, value
	case "SET":
		s[k] = c.args[0]
		return s, "OK"
	case "SETNX":
		if old != "-" {
			return s, "0"
		}
		s[k] = c.args[0]
		return s, "1"
	case "APPEND":
		if old == "-" {
			old = ""
		}
		s[k] = old + c.args[0]
		return s, linReply(strconv.Itoa(len(s[k])))
	case "INCR":
		n := int64(0)
		if old != "-" {
			var err error
			if n, err = strconv.ParseInt(old, 10, 64); err != nil {
				return s, "error"
			}
		}
		s[k] = strconv.FormatInt(n+1, 10)
		return s, linReply(s[k])
	case "DEL":
		n := 0
		for _, k := range c.keys {
			if s[k] != "-" {
				n++
			}
			s[k] = "-"
		}
		return s, linReply(strconv.Itoa(n))
	case "MSET":
		for i, k := range c.keys {
			s[k] = c.args[i]
		}
		return s, "OK"
	case "MSETNX":
		for _, k := range c.keys {
			if s[k] != "-" {
				return s, "0"
			}
		}
		for i, k := range c.keys {
			s[k] = c.args[i]
		}
		return s, "1"
	case "MGET":
		var all []string
		for _, k := range c.keys {
			v := s[k]
			if v == "-" {
				v = "nil"
			}
			all = append(all, v)
		}
		return s, linReply(fmt.Sprint(all))
	case "RENAME":
		if old == "-" {
			return s, "error"
		}
		s[k] = "-"
		s[c.keys[1]] = old
		return s, "OK"
	}
	panic(c.name)
}

func (c linCommand) words() []any {
	words := []any{c.name}
	for i, k := range c.keys {
		words = append(words, fmt.Sprintf("key%d", k))
		if i < len(c.args) {
			words = append(words, c.args[i])
		}
	}
	return words
}

func linText(got any, err error) linReply {
	switch got := got.(type) {
	case nil:
		if err != nil {
			return "error"
		}
		return "nil"
	case []byte:
		return linReply(got)
	case []any:
		var all []string
		for _, v := range got {
			all = append(all, string(linText(v, nil)))
		}
		return linReply(fmt.Sprint(all))
	default:
		return linReply(fmt.Sprint(got))
	}
}

var linModel = porcupine.Model{
	Init: func() any { return linState{"-", "-", "-"} },
	Step: func(state, input, output any) (bool, any) {
		next, reply := input.(linCommand).apply(state.(linState))
		return reply == output.(linReply), next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, " -> ", output) },
}

// linSingle is the same for commands on one key each: keys are then checked apart, which is much quicker.
var linSingle = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, linKeys)
		for _, op := range history {
			k := op.Input.(linCommand).keys[0]
			parts[k] = append(parts[k], op)
		}
		return parts
	},
	Init: linModel.Init, Step: linModel.Step, DescribeOperation: linModel.DescribeOperation,
}

func singleCommand(rng *rand.Rand) linCommand {
	c := linCommand{keys: []int{rng.IntN(linKeys)}}
	digit := strconv.Itoa(1 + rng.IntN(9))
	switch rng.IntN(8) {
	case 0, 1:
		c.name = "GET"
	case 2:
		c.name, c.args = "SET", []string{digit}
	case 3:
		c.name, c.args = "APPEND", []string{digit}
	case 4, 5:
		c.name = "INCR"
	case 6:
		c.name = []string{"DEL", "GETDEL"}[rng.IntN(2)]
	case 7:
		c.name, c.args = "SETNX", []string{digit}
	}
	return c
}

func severalCommand(rng *rand.Rand) linCommand {
	keys := rng.Perm(linKeys)[:2+rng.IntN(linKeys-1)]
	args := make([]string, len(keys))
	for i := range args {
		args[i] = strconv.Itoa(rng.IntN(1000))
	}
	switch rng.IntN(9) {
	case 0, 1:
		return linCommand{name: "MSET", keys: keys, args: args}
	case 2, 3, 4:
		return linCommand{name: "MGET", keys: keys}
	case 5:
		return linCommand{name: "DEL", keys: keys}
	case 6:
		return linCommand{name: "MSETNX", keys: keys, args: args}
	case 7:
		return linCommand{name: "RENAME", keys: keys[:2]}
	default:
		return singleCommand(rng)
	}
}

// linHistory runs users at once and returns what they did, with times since began.
func linHistory(c *darter.Cache, began time.Time, seed int, next func(*rand.Rand) linCommand) []porcupine.Operation {
	var group sync.WaitGroup
	all := make([][]porcupine.Operation, linUsers)
	var start sync.WaitGroup
	start.Add(linUsers)
	for u := range linUsers {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(seed), uint64(u)))
			user := c.NewSession()
			defer user.Close()
			start.Done()
			start.Wait()
			for range linSteps {
				command := next(rng)
				words := command.words()
				call := time.Since(began)
				if rng.IntN(8) == 0 {
					runtime.Gosched() // makes calls overlap on few cores too
				}
				got, err := user.Do(context.Background(), words...)
				all[u] = append(all[u], porcupine.Operation{
					ClientId: u, Input: command, Call: int64(call), Output: linText(got, err), Return: int64(time.Since(began)),
				})
			}
		})
	}
	group.Wait()
	return slices.Concat(all...)
}

func testLinearizable(t *testing.T, model porcupine.Model, next func(*rand.Rand) linCommand) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for round := range linRounds {
		require.NoError(t, c.FlushAll())
		history := linHistory(c, time.Now(), round, next)
		require.True(t, porcupine.CheckOperations(model, history), "round %d: no order explains what users were told", round)
	}
}

func TestSingleKeysAreLinearizable(t *testing.T) { testLinearizable(t, linSingle, singleCommand) }

func TestSeveralKeysAreLinearizable(t *testing.T) { testLinearizable(t, linModel, severalCommand) }

// TestSnapshotsAreLinearizable has one user read by snapshots: to take one is a command like any other.
func TestSnapshotsAreLinearizable(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	everything := linCommand{name: "MGET", keys: []int{0, 1, 2}}
	for round := range linRounds {
		require.NoError(t, c.FlushAll())
		began := time.Now()
		var reads []porcupine.Operation
		var group sync.WaitGroup
		group.Go(func() {
			for range linSteps {
				call := time.Since(began)
				s, err := c.Snapshot()
				end := time.Since(began)
				if err != nil {
					t.Error(err)
					return
				}
				content := [linKeys]string{"nil", "nil", "nil"}
				for e := range s.Entries() {
					k, err := strconv.Atoi(string(e.Key[len("key"):]))
					if err != nil {
						t.Error(err)
					}
					content[k] = string(e.Value)
				}
				s.Close()
				reads = append(reads, porcupine.Operation{
					ClientId: linUsers, Input: everything, Call: int64(call), Output: linReply(fmt.Sprint(content[:])), Return: int64(end),
				})
			}
		})
		history := linHistory(c, began, 100+round, severalCommand)
		group.Wait()
		require.True(t, porcupine.CheckOperations(linModel, append(history, reads...)), "round %d", round)
	}
}
