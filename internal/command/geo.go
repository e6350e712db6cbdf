package command

import (
	"math"
	"strconv"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on places do, but for those that search: geosearch.go has them. Places are scores of sorted sets, so
// GEOADD is another ZADD.

const errUnit = errs.Error("ERR unsupported unit provided. please use M, KM, FT, MI")

// parsePlace reads a longitude and a latitude.
func parsePlace(lon, lat []byte) (p value.GeoPoint, err error) {
	var ok1, ok2 bool
	p.Lon, ok1 = num.ParseFloat(lon)
	p.Lat, ok2 = num.ParseFloat(lat)
	switch {
	case !ok1 || !ok2:
		return p, errs.NotFloat
	case !p.Valid():
		text := []byte("ERR invalid longitude,latitude pair ")
		text = append(appendPlainFloat(text, p.Lon), ',')
		return p, errs.Error(appendPlainFloat(text, p.Lat))
	}
	return p, nil
}

// appendPlainFloat appends a float as C's printf does by default.
func appendPlainFloat(dst []byte, f float64) []byte {
	switch {
	case f > math.MaxFloat64:
		return append(dst, "inf"...)
	case f < -math.MaxFloat64:
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'f', 6, 64)
}

// parseUnit reads a unit of length and returns how many meters it has.
func parseUnit(arg []byte) (float64, error) {
	switch {
	case isWord(arg, "m"):
		return 1, nil
	case isWord(arg, "km"):
		return 1000, nil
	case isWord(arg, "ft"):
		return 0.3048, nil
	case isWord(arg, "mi"):
		return 1609.34, nil
	}
	return 0, errUnit
}

func runGeoadd(c *Call) {
	var mode value.AddMode
	change := false
	at := 2
options:
	for ; at < len(c.Args); at++ {
		switch a := c.Args[at]; {
		case isWord(a, "nx"):
			mode |= value.AddNew
		case isWord(a, "xx"):
			mode |= value.AddOld
		case isWord(a, "ch"):
			change = true
		default:
			break options
		}
	}
	places := c.Args[at:]
	if len(places)%3 != 0 || mode == value.AddNew|value.AddOld {
		c.Fail(errs.Syntax)
		return
	}
	var few [8]float64
	scores := few[:0]
	for i := 0; i < len(places); i += 3 {
		p, err := parsePlace(places[i], places[i+1])
		if err != nil {
			c.Fail(err)
			return
		}
		scores = append(scores, p.Score())
	}
	if len(scores) == 0 {
		c.Fail(errs.Syntax)
		return
	}
	each := func(i int) ([]byte, float64) { return places[3*i+2], scores[i] }
	added, changed, err := c.One.DB.SortedAdd(c.One.Hash, c.One.Key, mode, len(scores), each)
	if change {
		added += changed
	}
	c.lengthOf(added, err)
}

// places looks up the sorted set of a command that reads it, an empty one for an absent key.
func (c *Call) places(t *Target) (z value.SortedSet, found bool, err error) {
	it := c.find(t)
	z, err = it.SortedSet()
	return z, it.Found() && err == nil, err
}

func runGeopos(c *Call) {
	z, _, err := c.places(&c.One)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		score, found := z.Score(member)
		if !found {
			c.W.NullArray()
			continue
		}
		c.place(value.GeoPlace(score))
	}
}

// place answers with a longitude and a latitude.
func (c *Call) place(p value.GeoPoint) {
	c.W.Array(2)
	c.degrees(p.Lon)
	c.degrees(p.Lat)
}

// degrees answers with a coordinate, in more digits than Double would use.
func (c *Call) degrees(f float64) {
	if w, ok := c.W.(interface{ DoubleText(digits []byte) }); ok {
		c.old = value.AppendDegrees(c.old[:0], f)
		w.DoubleText(c.old)
		return
	}
	c.W.Double(f)
}

func runGeohash(c *Call) {
	z, _, err := c.places(&c.One)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		score, found := z.Score(member)
		if !found {
			c.W.Null()
			continue
		}
		c.old = value.GeoPlace(score).AppendGeohash(c.old[:0])
		c.W.Bulk(c.old)
	}
}

func runGeodist(c *Call) {
	unit := 1.0
	if len(c.Args) > 5 {
		c.Fail(errs.Syntax)
		return
	}
	if len(c.Args) == 5 {
		var err error
		if unit, err = parseUnit(c.Args[4]); err != nil {
			c.Fail(err)
			return
		}
	}
	z, found, err := c.places(&c.One)
	if err != nil {
		c.Fail(err)
		return
	}
	from, found1 := z.Score(c.Args[2])
	to, found2 := z.Score(c.Args[3])
	if !found || !found1 || !found2 {
		c.W.Null()
		return
	}
	c.distance(value.GeoPlace(from), value.GeoPlace(to), unit)
}

// distance answers with the distance between two places.
func (c *Call) distance(from, to value.GeoPoint, unit float64) {
	c.old = from.AppendDistance(c.old[:0], to, unit)
	c.W.Bulk(c.old)
}
