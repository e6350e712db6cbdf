package pubsub

import (
	"slices"
	"sync/atomic"
)

// topic is who gets the messages of a channel, shard channel or pattern. A lock is held while it is used: of a channel
// its stripe's; of patterns the one that all share, by publishers for reading only.
type topic struct {
	name    string
	pattern []byte // the name of a pattern, to be matched
	count   int
	groups  []*group     // of subscribers that share an outlet
	alone   []Subscriber // that have none
}

// group is the subscribers of a topic that share an outlet.
type group struct {
	outlet  Outlet
	members []Subscriber
	// lent says that outlets may be reading members. What they read is never written to.
	lent atomic.Bool
}

// publish hands a message to all subscribers, and returns how many there are.
func (t *topic) publish(m *Message) (receivers int, full *Gate) {
	for _, g := range t.groups {
		if !g.lent.Load() { // a line that several publishers read had better not be written to by each
			g.lent.Store(true)
		}
		if wait := g.outlet.Deliver(m, g.members); wait != nil {
			full = wait
		}
	}
	for _, s := range t.alone {
		s.Deliver(m)
	}
	return t.count, full
}

// add adds a subscriber that is not there.
func (t *topic) add(s Subscriber) {
	t.count++
	o := s.Outlet()
	if o == nil {
		t.alone = append(t.alone, s)
		return
	}
	for _, g := range t.groups {
		if g.outlet == o {
			g.members = append(g.members, s) // behind what was lent
			return
		}
	}
	t.groups = append(t.groups, &group{outlet: o, members: []Subscriber{s}})
}

// remove removes a subscriber that is there.
func (t *topic) remove(s Subscriber) {
	t.count--
	o := s.Outlet()
	if o == nil {
		t.alone = without(t.alone, s)
		return
	}
	for i, g := range t.groups {
		if g.outlet != o {
			continue
		}
		if len(g.members) == 1 {
			t.groups = slices.Delete(t.groups, i, i+1)
			return
		}
		if g.lent.Load() {
			g.members = slices.Clone(g.members)
			g.lent.Store(false)
		}
		g.members = without(g.members, s)
		return
	}
}

// without removes s from a list whose order does not matter. A list that has become much too long is made anew.
func without(list []Subscriber, s Subscriber) []Subscriber {
	last := len(list) - 1
	list[slices.Index(list, s)] = list[last]
	list[last] = nil
	list = list[:last]
	if cap(list) > 64 && len(list) < cap(list)/4 {
		list = append(make([]Subscriber, 0, 2*len(list)), list...)
	}
	return list
}
