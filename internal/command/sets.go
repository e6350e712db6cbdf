package command

import (
	"math"
	"math/rand/v2"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on one set do, and SMOVE; setsalgebra.go has those that combine sets.

const (
	errNotPositive = errs.Error("ERR value is out of range, must be positive")
	errTooMany     = errs.Error("ERR value is out of range")
	errNotLong     = errs.Error("ERR value is out of range, " +
		"value must between -9223372036854775807 and 9223372036854775807")
)

// readSet makes a zero s the set of the key, as a read does; an empty one for an absent key.
func (c *Call) readSet(s *value.Set) error {
	it := c.find(&c.One)
	return it.OpenSet(s)
}

// member answers a member.
func (c *Call) member(m value.Member) {
	if !m.IsInt {
		c.W.Bulk(m.Str)
		return
	}
	c.old = num.AppendInt(c.old[:0], m.Int)
	c.W.Bulk(c.old)
}

func runSadd(c *Call) { c.lengthOf(c.One.DB.SetAdd(c.One.Hash, c.One.Key, c.Args[2:])) }

func runSrem(c *Call) { c.lengthOf(c.One.DB.SetRemove(c.One.Hash, c.One.Key, c.Args[2:])) }

func runScard(c *Call) {
	var s value.Set
	err := c.readSet(&s)
	c.lengthOf(s.Len(), err)
}

func runSismember(c *Call) {
	c.countOf(c.find(&c.One).SetHas(c.Args[2]))
}

func runSmismember(c *Call) {
	var s value.Set
	err := c.readSet(&s)
	if err != nil {
		c.Fail(err)
		return
	}
	members := c.Args[2:]
	c.W.Array(len(members))
	for i, member := range members {
		s.Ahead(i, len(members), func(i int) []byte { return members[i] })
		c.countOf(s.Has(member), nil)
	}
}

func runSmembers(c *Call) {
	var s value.Set
	err := c.readSet(&s)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Set(s.Len())
	c.members(&s)
}

// members answers all members of a set, whose number was told.
func (c *Call) members(s *value.Set) {
	for m := range s.All {
		c.member(m)
	}
}

func runSmove(c *Call) { c.countOf(keyspace.SetMove(c.Key(1), c.Key(2), c.Args[3])) }

func runSpop(c *Call) {
	switch len(c.Args) {
	case 2:
		c.spopOne()
	case 3:
		c.spopMany()
	default:
		c.Fail(errs.Syntax)
	}
}

func (c *Call) spopOne() {
	n, err := c.One.DB.SetPop(c.One.Hash, c.One.Key, 1, c.keepMember)
	switch {
	case err != nil:
		c.Fail(err)
	case n == 0:
		c.W.Null()
	default:
		c.W.Bulk(c.old)
	}
}

// keepMember keeps the bytes of a member.
func (c *Call) keepMember(m value.Member) { c.old = m.AppendTo(c.old[:0]) }

func (c *Call) spopMany() {
	count, ok := num.ParseInt(c.Args[2])
	if !ok || count < 0 {
		c.Fail(errNotPositive)
		return
	}
	var popped keyList
	var digits [20]byte
	n, err := c.One.DB.SetPop(c.One.Hash, c.One.Key, int(min(count, math.MaxInt)), func(m value.Member) {
		if m.IsInt {
			popped.add(num.AppendInt(digits[:0], m.Int))
		} else {
			popped.add(m.Str)
		}
	})
	if err != nil && n == 0 {
		c.Fail(err)
		return
	}
	// What is gone has to be told, even if memory ran out before the rest.
	c.W.Set(n)
	for member := range popped.all {
		if n--; n < 0 {
			break
		}
		c.W.Bulk(member)
	}
}

func runSrandmember(c *Call) {
	switch len(c.Args) {
	case 2:
		c.srandmemberOne()
	case 3:
		c.srandmemberMany()
	default:
		c.Fail(errs.Syntax)
	}
}

func (c *Call) srandmemberOne() {
	var s value.Set
	err := c.readSet(&s)
	switch {
	case err != nil:
		c.Fail(err)
	case s.Len() == 0:
		c.W.Null()
	default:
		c.member(s.Random(rand.Uint64))
	}
}

func (c *Call) srandmemberMany() {
	count, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	if count == math.MinInt64 {
		c.Fail(errNotLong)
		return
	}
	var s value.Set
	err := c.readSet(&s)
	switch {
	case err != nil:
		c.Fail(err)
	case count == 0 || s.Len() == 0:
		c.W.Array(0)
	case count > 0:
		n := int(min(count, int64(s.Len())))
		c.W.Array(n)
		s.Sample(n, rand.Uint64, c.member)
	default:
		c.drawMembers(&s, -count)
	}
}

// drawMembers answers n members, of which some may come again. What that takes has no bound but n, so it is counted
// before anything is written: a reply longer than the longest string allowed is refused.
func (c *Call) drawMembers(s *value.Set, n int64) {
	const overhead = int64(len("$1\r\n\r\n"))
	limit := c.Env.MaxBulk()
	if n > limit/overhead {
		c.Fail(errTooMany)
		return
	}
	a, b := rand.Uint64(), rand.Uint64()
	if s.Longest()+overhead > limit/n {
		total := int64(0)
		s.Draw(n, rand.NewPCG(a, b).Uint64, func(m value.Member) bool {
			total += overhead + int64(m.Len())
			return total <= limit
		})
		if total > limit {
			c.Fail(errTooMany)
			return
		}
	}
	c.W.Array(int(n))
	s.Draw(n, rand.NewPCG(a, b).Uint64, func(m value.Member) bool {
		c.member(m)
		return true
	})
}

func runSscan(c *Call) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Fail(errs.InvalidCursor)
		return
	}
	var s value.Set
	err := c.readSet(&s)
	if err != nil {
		c.Fail(err)
		return
	}
	// An absent key is found out before the options are looked at.
	count, match := int64(10), func([]byte) bool { return true }
	if s.Len() > 0 {
		if count, match, err = scanOptions(c.Args[3:]); err != nil {
			c.Fail(err)
			return
		}
	}
	var found keyList
	var digits [20]byte
	seen := int64(0)
	visit := func(m value.Member) {
		seen++
		member := m.Str
		if m.IsInt {
			member = num.AppendInt(digits[:0], m.Int)
		}
		if match(member) {
			found.add(member)
		}
	}
	for steps := int64(0); ; {
		cursor = s.Scan(cursor, visit)
		// Where there is nothing the number of steps ends the call, as Redis does it.
		if steps++; cursor == 0 || seen >= count || steps/10 >= count {
			break
		}
	}
	c.W.Array(2)
	var buf [20]byte
	c.W.Bulk(num.AppendUint(buf[:0], cursor))
	found.write(c)
}

// scanOptions reads the options of a command that scans a container.
func scanOptions(args [][]byte) (count int64, match func([]byte) bool, err error) {
	count, match = 10, matcher([]byte("*"))
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return 0, nil, errs.Syntax
		}
		switch a, v := args[i], args[i+1]; {
		case isWord(a, "count"):
			var ok bool
			if count, ok = num.ParseInt(v); !ok {
				return 0, nil, errs.NotInteger
			}
			if count < 1 {
				return 0, nil, errs.Syntax
			}
		case isWord(a, "match"):
			match = matcher(v)
		default:
			return 0, nil, errs.Syntax
		}
	}
	return count, match, nil
}
