package command

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// The commands that search places: GEOSEARCH and GEOSEARCHSTORE, and GEORADIUS with its kin, which are older and say less.
// All of them read their arguments into a geoQuery, which is then run.

const (
	errNoMember  = errs.Error("ERR could not decode requested zset member")
	errRadius    = errs.Error("ERR need numeric radius")
	errRadiusLow = errs.Error("ERR radius cannot be negative")
	errWidth     = errs.Error("ERR need numeric width")
	errHeight    = errs.Error("ERR need numeric height")
	errBoxLow    = errs.Error("ERR height or width cannot be negative")
	errCountLow  = errs.Error("ERR COUNT must be > 0")
	errAny       = errs.Error("ERR the ANY argument requires COUNT argument")
	errStoreWith = errs.Error(
		"ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
	errSearchStoreWith = errs.Error(
		"ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
)

// geoQuery is what a search is to find, and what to do with it.
type geoQuery struct {
	set   value.SortedSet
	found bool // whether there is such a key
	value.GeoQuery
	unit float64 // of lengths, in meters

	withDist, withHash, withPlace bool

	store     int // the argument that is the key to store to, 0 to answer
	storeDist bool
}

// setRadius reads a radius and its unit.
func (q *geoQuery) setRadius(radius, unit []byte) error {
	r, ok := num.ParseFloat(radius)
	if !ok {
		return errRadius
	}
	if r < 0 {
		return errRadiusLow
	}
	var err error
	if q.unit, err = parseUnit(unit); err != nil {
		return err
	}
	q.Area.Radius = r * q.unit
	return nil
}

// setBox reads the width and height of a box and their unit.
func (q *geoQuery) setBox(width, height, unit []byte) error {
	w, ok := num.ParseFloat(width)
	if !ok {
		return errWidth
	}
	h, ok := num.ParseFloat(height)
	if !ok {
		return errHeight
	}
	if w < 0 || h < 0 {
		return errBoxLow
	}
	var err error
	if q.unit, err = parseUnit(unit); err != nil {
		return err
	}
	q.Area.Box, q.Area.Width, q.Area.Height = true, w*q.unit, h*q.unit
	return nil
}

// setMember makes a member the center.
func (q *geoQuery) setMember(member []byte) error {
	score, found := q.set.Score(member)
	if !found {
		return errNoMember
	}
	q.Area.Center = value.GeoPlace(score)
	return nil
}

func (q *geoQuery) setPlace(lon, lat []byte) (err error) {
	q.Area.Center, err = parsePlace(lon, lat)
	return err
}

// option reads one of the options that all searches have, at args[0], and returns how many arguments it took; 0 if it is
// none of them.
func (q *geoQuery) option(args [][]byte) (took int, err error) {
	switch a := args[0]; {
	case isWord(a, "withdist"):
		q.withDist = true
	case isWord(a, "withhash"):
		q.withHash = true
	case isWord(a, "withcoord"):
		q.withPlace = true
	case isWord(a, "any"):
		q.Any = true
	case isWord(a, "asc"):
		q.Order = value.GeoNearest
	case isWord(a, "desc"):
		q.Order = value.GeoFarthest
	case isWord(a, "count") && len(args) > 1:
		n, ok := num.ParseInt(args[1])
		if !ok {
			return 0, errs.NotInteger
		}
		if n <= 0 {
			return 0, errCountLow
		}
		q.Limit = n
		return 2, nil
	default:
		return 0, nil
	}
	return 1, nil
}

func runGeoradius(c *Call)           { c.geoRadius(false, true) }
func runGeoradiusRO(c *Call)         { c.geoRadius(false, false) }
func runGeoradiusbymember(c *Call)   { c.geoRadius(true, true) }
func runGeoradiusbymemberRO(c *Call) { c.geoRadius(true, false) }

// geoRadius parses and runs GEORADIUS and its kin. Those of a member look it up before they read the rest; without the
// key they only read the options.
func (c *Call) geoRadius(byMember, stores bool) {
	var q geoQuery
	t := c.Key(1)
	var err error
	if q.set, q.found, err = c.places(&t); err != nil {
		c.Fail(err)
		return
	}
	options := c.Args[5:]
	switch {
	case !byMember:
		options = c.Args[6:]
		if err = q.setPlace(c.Args[2], c.Args[3]); err == nil {
			err = q.setRadius(c.Args[4], c.Args[5])
		}
	case q.found:
		if err = q.setMember(c.Args[2]); err == nil {
			err = q.setRadius(c.Args[3], c.Args[4])
		}
	}
	for err == nil && len(options) > 0 {
		took := 0
		if took, err = q.option(options); err != nil || took > 0 {
			options = options[took:]
			continue
		}
		a := options[0]
		if !stores || len(options) < 2 || !isWord(a, "store") && !isWord(a, "storedist") {
			err = errs.Syntax
			break
		}
		q.store, q.storeDist = len(c.Args)-len(options)+1, isWord(a, "storedist")
		options = options[2:]
	}
	switch {
	case err != nil:
	case q.store > 0 && (q.withDist || q.withHash || q.withPlace):
		err = errStoreWith
	case q.Any && q.Limit == 0:
		err = errAny
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.geoAnswer(&q, keyspace.EventGeoRadiusStore)
}

func runGeosearch(c *Call)      { c.geoSearch(2, 0) }
func runGeosearchstore(c *Call) { c.geoSearch(3, 1) }

// geoSearch parses and runs GEOSEARCH, whose options begin at an argument, or GEOSEARCHSTORE, which has a key to store to.
func (c *Call) geoSearch(begin, store int) {
	q := geoQuery{store: store}
	t := c.Key(begin - 1)
	var err error
	if q.set, q.found, err = c.places(&t); err != nil {
		c.Fail(err)
		return
	}
	var member, place, radius, box bool
	options := c.Args[begin:]
	for err == nil && len(options) > 0 {
		took := 0
		if took, err = q.option(options); err != nil || took > 0 {
			options = options[took:]
			continue
		}
		switch a, n := options[0], len(options); {
		case isWord(a, "frommember") && n > 1 && !place:
			member, took = true, 2
			if q.found {
				err = q.setMember(options[1])
			}
		case isWord(a, "fromlonlat") && n > 2 && !member:
			place, took = true, 3
			err = q.setPlace(options[1], options[2])
		case isWord(a, "byradius") && n > 2 && !box:
			radius, took = true, 3
			err = q.setRadius(options[1], options[2])
		case isWord(a, "bybox") && n > 3 && !radius:
			box, took = true, 4
			err = q.setBox(options[1], options[2], options[3])
		case isWord(a, "storedist") && store > 0:
			q.storeDist, took = true, 1
		default:
			err = errs.Syntax
		}
		options = options[took:]
	}
	switch {
	case err != nil:
	case store > 0 && (q.withDist || q.withHash || q.withPlace):
		err = errSearchStoreWith
	case !member && !place:
		err = c.exactlyOne("FROMMEMBER or FROMLONLAT")
	case !radius && !box:
		err = c.exactlyOne("BYRADIUS and BYBOX")
	case q.Any && q.Limit == 0:
		err = errAny
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.geoAnswer(&q, keyspace.EventGeoSearchStore)
}

func (c *Call) exactlyOne(of string) error {
	return refusal("ERR exactly one of ", of, " can be specified for ", shown(c.Args[0], shownArg))
}

// geoAnswer runs a search and answers with what it found, or stores that.
func (c *Call) geoAnswer(q *geoQuery, e keyspace.Event) {
	var few [16]value.GeoHit
	var hits []value.GeoHit
	if q.found {
		hits = q.Search(few[:0], &q.set)
	}
	if q.store > 0 {
		unit := 0.0
		if q.storeDist {
			unit = q.unit
		}
		c.lengthOf(len(hits), keyspace.GeoStore(c.Key(q.store), &q.Area, hits, unit, e))
		return
	}
	parts := 1
	for _, with := range []bool{q.withDist, q.withHash, q.withPlace} {
		if with {
			parts++
		}
	}
	c.W.Array(len(hits))
	for i := range hits {
		h := &hits[i]
		if parts > 1 {
			c.W.Array(parts)
		}
		c.W.Bulk(h.Member(c.digits[:]))
		if q.withDist {
			c.distance(q.Area.Center, h.Place, q.unit)
		}
		if q.withHash {
			c.W.Int(int64(h.Score))
		}
		if q.withPlace {
			c.place(h.Place)
		}
	}
}

// georadiusKeys finds the keys of GEORADIUS and GEORADIUSBYMEMBER. Of several to store to only the last is used; which
// words are options only a parse can tell, so all that may be are named.
func georadiusKeys(args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	dst = append(dst, KeyAt{1, "RO access"})
	for i := 5; i+1 < len(args); i++ {
		if a := args[i]; isWord(a, "store") || isWord(a, "storedist") {
			i++
			dst = append(dst, KeyAt{i, "OW update"})
		}
	}
	return dst, nil
}
