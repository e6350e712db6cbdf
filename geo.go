package darter

import (
	"fmt"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Places
//
// A Geo is a key that holds places on the earth, each under a name, its member. It is a sorted set whose scores are
// geohashes, as Redis has it: SortedSet goes over the members, counts and removes them, and a Geo is what finds them by
// where they are. Places are kept to about 60 cm; distances are those on a sphere, in meters, up to half a percent off.
//
// Errors are ErrWrongType if a key holds something else, ErrNotFound for a member that is not there, ErrInvalid for a
// place that can't be, ErrClosed, ErrInternal; from methods that add ErrOutOfMemory and ErrTooLong; from those that change
// anything ErrReadOnly in a snapshot.

// Geo is the places under a key of a cache or a snapshot: see Cache.Geo.
type Geo struct{ place }

// Geo returns the places under a key, whether or not there are any yet. It costs nothing and need not be closed.
func (c *Cache) Geo(key string) Geo { return Geo{place{cache: c, key: key}} }

// Geo returns the places under a key as they were at the instant of the snapshot.
func (s *Snapshot) Geo(key string) Geo { return Geo{place{snap: s, key: key}} }

// GeoPoint is a place in degrees: -180 to 180 of longitude, to the east, and -85.05112878 to 85.05112878 of latitude, to the
// north.
type GeoPoint struct{ Lon, Lat float64 }

func (p GeoPoint) plain() (v value.GeoPoint, err error) {
	if v = value.GeoPoint(p); !v.Valid() {
		return v, fmt.Errorf("%w: a place at longitude %v, latitude %v", ErrInvalid, p.Lon, p.Lat)
	}
	return v, nil
}

// DistanceTo returns the distance to another place in meters. It needs no cache.
func (p GeoPoint) DistanceTo(q GeoPoint) float64 {
	return value.GeoPoint(p).Distance(value.GeoPoint(q))
}

// Placed is a member with its place.
type Placed struct {
	Member string
	At     GeoPoint
}

// Add gives a member a place, another one if it has one, and says whether the member is new. It allocates nothing. O(log n).
func (g Geo) Add(member string, at GeoPoint) (added bool, err error) {
	p, err := at.plain()
	if err != nil {
		return false, err
	}
	return SortedSet(g).Add(member, p.Score())
}

// AddMany gives members places, at one instant, and returns how many of the members are new. If memory runs out some may be
// added. O(log n) for each.
func (g Geo) AddMany(places ...Placed) (added int, err error) {
	elements := make([]Scored, len(places))
	for i, x := range places {
		p, err := x.At.plain()
		if err != nil {
			return 0, err
		}
		elements[i] = Scored{x.Member, p.Score()}
	}
	return SortedSet(g).AddMany(elements...)
}

// Pos returns where a member is: the middle of the box of 60 cm that its place was in. A member that is not there is
// ErrNotFound. It allocates nothing. O(1).
func (g Geo) Pos(member string) (at GeoPoint, err error) {
	score, err := SortedSet(g).Score(member)
	if err != nil {
		return at, err
	}
	return GeoPoint(value.GeoPlace(score)), nil
}

// Hash returns where a member is as a standard geohash of 11 letters. A member that is not there is ErrNotFound. O(1).
func (g Geo) Hash(member string) (geohash string, err error) {
	at, err := g.Pos(member)
	if err != nil {
		return "", err
	}
	return string(value.GeoPoint(at).AppendGeohash(nil)), nil
}

// Dist returns the distance between two members in meters. A member that is not there is ErrNotFound. It allocates nothing.
// O(1).
func (g Geo) Dist(from, to string) (meters float64, err error) {
	var r seen
	defer r.done(&err)
	if err = g.see(&r, keyspace.SortedSet); err != nil {
		return 0, err
	}
	set := r.sortedSet()
	a, found := set.Score(bytesOf(from))
	b, found2 := set.Score(bytesOf(to))
	if !found || !found2 {
		return 0, ErrNotFound
	}
	return value.GeoPlace(a).Distance(value.GeoPlace(b)), nil
}

// GeoSearch says what a Search is to find: the members within Radius of the center, or in a box around it.
type GeoSearch struct {
	// The center: the place of Member, or, if that is empty, Center.
	Member string
	Center GeoPoint

	// The area, in meters: a circle with a Radius, or, if Box is set, a box with a Width from west to east and a Height from
	// south to north.
	Radius        float64
	Box           bool
	Width, Height float64

	// Limit is how many members to find at most, the nearest ones; 0 means all. With Any those that are found first will
	// do, which is quicker where there are many.
	Limit int
	Any   bool

	// Farthest turns the order, in which the nearest comes first; with a Limit it finds the farthest.
	Farthest bool
}

// query checks a search and readies it for a sorted set.
func (o *GeoSearch) query(set *value.SortedSet) (q value.GeoQuery, err error) {
	q = value.GeoQuery{Order: value.GeoNearest, Limit: int64(o.Limit), Any: o.Any && o.Limit > 0}
	q.Area = value.GeoArea{Radius: o.Radius, Box: o.Box, Width: o.Width, Height: o.Height}
	if o.Farthest {
		q.Order = value.GeoFarthest
	}
	switch {
	case o.Limit < 0:
		return q, fmt.Errorf("%w: GeoSearch.Limit is %d, below 0", ErrInvalid, o.Limit)
	case !(o.Radius >= 0) || !(o.Width >= 0) || !(o.Height >= 0):
		return q, fmt.Errorf("%w: GeoSearch has a length below 0", ErrInvalid)
	case o.Box && o.Radius != 0, !o.Box && (o.Width != 0 || o.Height != 0):
		return q, fmt.Errorf("%w: GeoSearch has both a circle and a box", ErrInvalid)
	case o.Member == "":
		q.Area.Center, err = o.Center.plain()
		return q, err
	}
	score, found := set.Score(bytesOf(o.Member))
	if !found {
		return q, ErrNotFound
	}
	q.Area.Center = value.GeoPlace(score)
	return q, nil
}

// GeoFound is a member that a search has found.
type GeoFound struct {
	Member string
	At     GeoPoint
	Meters float64 // from the center
}

// Search returns the members in an area, the nearest first, as they are at one instant. A Member that is not there is
// ErrNotFound; options that make no sense are ErrInvalid. O(log n + m + k log k), m being how many members are in the boxes
// around the area and k how many in it, with the key's shard held meanwhile.
func (g Geo) Search(o GeoSearch) (found []GeoFound, err error) {
	var r seen
	defer r.done(&err)
	if err = g.see(&r, keyspace.SortedSet); err != nil {
		return nil, err
	}
	set := r.sortedSet()
	q, err := o.query(&set)
	if err != nil {
		return nil, err
	}
	var few [16]value.GeoHit
	hits := q.Search(few[:0], &set)
	found = make([]GeoFound, len(hits))
	var digits [20]byte
	for i := range hits {
		h := &hits[i]
		found[i] = GeoFound{string(h.Member(digits[:])), GeoPoint(h.Place), q.Area.Center.Distance(h.Place)}
	}
	return found, nil
}

// SearchStore makes another key hold the members in an area with their places, whatever it held, and returns how many there
// are; if there are none, the key is removed. It may be the key that is searched. It happens at one instant. Errors and cost
// are those of Search.
func (g Geo) SearchStore(to string, o GeoSearch) (n int, err error) {
	if g.cache == nil {
		return 0, ErrReadOnly
	}
	err = g.cache.makeOf(to, []string{g.key}, func(to keyspace.Target, from []keyspace.Target) error {
		set, err := from[0].DB.Find(from[0].Hash, from[0].Key).SortedSet()
		if err != nil {
			return err
		}
		q, err := o.query(&set)
		if err != nil {
			return err
		}
		hits := q.Search(nil, &set)
		n = len(hits)
		return keyspace.GeoStore(to, &q.Area, hits, 0, keyspace.EventGeoSearchStore)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
