package tracking

import (
	"maps"
	"slices"
	"strings"
)

// prefixes are all that somebody is told of. It is never written to once others can see it.
type prefixes struct {
	list    []prefix // by text
	lengths []int    // that occur, sorted
}

// prefix is one of them with those who are told.
type prefix struct {
	text     string
	trackers []*Tracker
}

// find returns a prefix's place, or where it would stand.
func (p *prefixes) find(text string) (i int, ok bool) {
	if p == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(p.list, text, func(x prefix, text string) int { return strings.Compare(x.text, text) })
}

// of returns prefixes made of a list, nil of an empty one.
func of(list []prefix) *prefixes {
	if len(list) == 0 {
		return nil
	}
	p := &prefixes{list: list}
	for _, x := range list {
		p.lengths = append(p.lengths, len(x.text))
	}
	slices.Sort(p.lengths)
	p.lengths = slices.Compact(p.lengths)
	return p
}

// add returns the prefixes with one more of the tracker's.
func (t *Tracker) add(p *prefixes, text string) *prefixes {
	at, ok := slices.BinarySearch(t.prefixes, text)
	if ok {
		return p
	}
	t.prefixes = slices.Insert(t.prefixes, at, text)
	var list []prefix
	if p != nil {
		list = slices.Clone(p.list)
	}
	i, ok := p.find(text)
	if !ok {
		return of(slices.Insert(list, i, prefix{text, []*Tracker{t}}))
	}
	// Who reads the old list does not see what is put behind its end.
	list[i].trackers = append(list[i].trackers, t)
	return &prefixes{list, p.lengths}
}

// without returns the prefixes without one of the tracker's.
func (p *prefixes) without(text string, t *Tracker) *prefixes {
	i, ok := p.find(text)
	if !ok {
		return p
	}
	list := slices.Clone(p.list)
	left := make([]*Tracker, 0, len(list[i].trackers))
	for _, x := range list[i].trackers {
		if x != t {
			left = append(left, x)
		}
	}
	if len(left) == 0 {
		return of(slices.Delete(list, i, i+1))
	}
	list[i].trackers = left
	return &prefixes{list, p.lengths}
}

// Broadcasts says that somebody is told of prefixes.
func (r *Registry) Broadcasts() bool { return r.prefixes.Load() != nil }

// Prefixes returns how many prefixes there are.
func (r *Registry) Prefixes() int {
	if p := r.prefixes.Load(); p != nil {
		return len(p.list)
	}
	return 0
}

// match says whether a key begins with one of the prefixes.
func (p *prefixes) match(key []byte) bool {
	for _, n := range p.lengths {
		if n > len(key) {
			break
		}
		if _, ok := p.find(string(key[:n])); ok {
			return true
		}
	}
	return false
}

// Changes are the keys that one author has changed and somebody is to be told of.
type Changes struct {
	keys  map[string]struct{}
	bytes int
}

// tellAt is from how many bytes of names on changes are told although their author is not through.
const tellAt = 1 << 20

// Add adds a key if a prefix matches it. It says whether the changes should be told now, since there are many.
func (c *Changes) Add(r *Registry, key []byte) (full bool) {
	p := r.prefixes.Load()
	if p == nil || !p.match(key) {
		return false
	}
	if _, ok := c.keys[string(key)]; ok {
		return false
	}
	if c.keys == nil {
		c.keys = map[string]struct{}{}
	}
	c.keys[string(key)] = struct{}{}
	c.bytes += len(key)
	return c.bytes >= tellAt
}

// Empty says that there are none.
func (c *Changes) Empty() bool { return len(c.keys) == 0 }

// Tell tells of the changes, made by a tracked client or, nil, by somebody else, and forgets them. Of each prefix the
// keys come in order, in one message.
func (c *Changes) Tell(r *Registry, by *Tracker) {
	if c.Empty() {
		return
	}
	keys := slices.Sorted(maps.Keys(c.keys))
	*c = Changes{}
	p := r.prefixes.Load()
	if p == nil {
		return
	}
	for _, x := range p.list {
		from, _ := slices.BinarySearch(keys, x.text)
		to := from
		for to < len(keys) && strings.HasPrefix(keys[to], x.text) {
			to++
		}
		if from == to {
			continue
		}
		m := keyMessage(keys[from:to]...)
		for _, t := range x.trackers {
			if mode := t.Mode(); mode&On != 0 && (mode&NoLoop == 0 || t != by) {
				t.client.Invalidate(m)
			}
		}
	}
}
