package value

import (
	"cmp"
	"math"
	"slices"
)

// # Areas
//
// What lies in an area is found by boxes: a step is chosen at which a box is about as large as the area, so that the box
// which the center is in and the eight around it cover the area. Each is a range of scores. Those that can't have
// anything of the area are left out; what is in the others is measured.

const (
	// mercatorMax is half the length of the equator in Mercator's projection, in meters.
	mercatorMax = 20037726.37

	geoLonBits = 0xaaaaaaaaaaaaaaaa
	geoLatBits = 0x5555555555555555
)

// GeoArea is a circle or a rectangle around a place.
type GeoArea struct {
	Center GeoPoint
	Radius float64 // in meters, of a circle
	// Width and Height in meters make it a rectangle if Box is set.
	Box           bool
	Width, Height float64
}

// Measure returns how far a place is from the center, in meters but for the last digits, and whether it is in the area.
func (a *GeoArea) Measure(p GeoPoint) (distance float64, inside bool) {
	if a.Box {
		if latDistance(p.Lat, a.Center.Lat) > a.Height/2 ||
			p.nearDistance(GeoPoint{a.Center.Lon, p.Lat}) > a.Width/2 {
			return 0, false
		}
		return a.Center.nearDistance(p), true
	}
	distance = a.Center.nearDistance(p)
	return distance, !(distance > a.Radius)
}

// bounds returns the degrees that the area lies within.
func (a *GeoArea) bounds() (west, east, south, north float64) {
	width, height := a.Radius, a.Radius
	if a.Box {
		width, height = a.Width/2, a.Height/2
	}
	up := height / earthRadius / geoDegree
	// Towards the poles a meter is more degrees of longitude: take them where the area is nearest to one.
	lat := a.Center.Lat + up
	if a.Center.Lat < 0 {
		lat = a.Center.Lat - up
	}
	side := width / earthRadius / math.Cos(lat*geoDegree) / geoDegree
	return a.Center.Lon - side, a.Center.Lon + side, a.Center.Lat - up, a.Center.Lat + up
}

// steps returns at which step a box is about as large as the area.
func (a *GeoArea) steps() uint {
	size := a.Radius
	if a.Box {
		size = math.Sqrt(float64(a.Width/2*(a.Width/2)) + float64(a.Height/2*(a.Height/2)))
	}
	if size == 0 {
		return geoSteps
	}
	n := -1
	for ; size < mercatorMax; size *= 2 {
		n++
	}
	// Boxes become narrower towards the poles.
	switch lat := math.Abs(a.Center.Lat); {
	case lat > 80:
		n -= 2
	case lat > 66:
		n--
	}
	return uint(max(1, min(geoSteps, n)))
}

// geoBox is what shares the first bits of a geohash.
type geoBox struct {
	bits  uint64
	steps uint
}

// bounds returns the degrees of a box.
func (b geoBox) bounds() (west, east, south, north float64) {
	scale := float64(uint64(1) << b.steps)
	lon, lat := geoGather(b.bits>>1), geoGather(b.bits)
	west = -geoLonMax + float64(float64(lon)/scale*(2*geoLonMax))
	east = -geoLonMax + float64(float64(lon+1)/scale*(2*geoLonMax))
	south = -geoLatMax + float64(float64(lat)/scale*(2*geoLatMax))
	north = -geoLatMax + float64(float64(lat+1)/scale*(2*geoLatMax))
	return west, east, south, north
}

// move returns the box so many boxes to the east and to the north, -1 to 1. The world is round in both directions. A place
// on the northern or eastern edge itself is in a box just beyond it, which only a move in that direction leaves.
func (b geoBox) move(east, north int) geoBox {
	used := ^uint64(0) >> (64 - 2*b.steps)
	lon, lat := b.bits&geoLonBits, b.bits&geoLatBits
	// The bits of the other coordinate are set, or clear, so that a carry passes through them.
	switch east {
	case 1:
		lon = (lon | geoLatBits) + 1
	case -1:
		lon--
	}
	switch north {
	case 1:
		lat = (lat | geoLonBits) + 1
	case -1:
		lat--
	}
	if east != 0 {
		lon &= geoLonBits & used
	}
	if north != 0 {
		lat &= geoLatBits & used
	}
	b.bits = lon | lat
	return b
}

// scores returns the lowest score of the box, and that of the next one.
func (b geoBox) scores() (first, end float64) {
	shift := 2 * (geoSteps - b.steps)
	return float64(b.bits << shift), float64((b.bits + 1) << shift)
}

// geoMoves are the boxes around one in the order in which they are searched, which is that of replies.
var geoMoves = [9][2]int{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}

// boxes returns the boxes that cover the area.
func (a *GeoArea) boxes() (list [9]geoBox, n int) {
	west, east, south, north := a.bounds()
	b := geoBox{steps: a.steps()}
	b.bits = geoHash(a.Center, b.steps, geoLatMax)
	// An area near the edge of its box may reach beyond the one next to it.
	_, _, _, top := b.move(0, 1).bounds()
	_, _, bottom, _ := b.move(0, -1).bounds()
	_, right, _, _ := b.move(1, 0).bounds()
	left, _, _, _ := b.move(-1, 0).bounds()
	if b.steps > 1 && (top < north || bottom > south || right < east || left > west) {
		b.steps--
		b.bits = geoHash(a.Center, b.steps, geoLatMax)
	}
	left, right, bottom, top = b.bounds()
	for _, m := range geoMoves {
		if b.steps > 1 && (m[1] < 0 && bottom < south || m[1] > 0 && top > north ||
			m[0] < 0 && left < west || m[0] > 0 && right > east) {
			continue
		}
		// With one step there are but four boxes, so that those on both sides are the same.
		next := b.move(m[0], m[1])
		if n > 1 && list[n-1] == next {
			continue
		}
		list[n] = next
		n++
	}
	return list, n
}

// GeoHit is a member that a search has found.
type GeoHit struct {
	SortedElem
	Place    GeoPoint
	Distance float64 // from the area's center, as Measure has it
}

// geoLimits are degrees outside of which nothing can be in an area: what a place is compared with before it is measured.
type geoLimits struct{ west, east, south, north float64 }

func (a *GeoArea) limits() geoLimits {
	const most = 80     // beyond this latitude longitudes say little
	const margin = 1e-9 // a tenth of a millimeter, for what is lost in rounding
	const everywhere = 1e9
	var l geoLimits
	l.west, l.east, l.south, l.north = a.bounds()
	if !(l.south > -most && l.north < most && l.west > -geoLonMax && l.east < geoLonMax) {
		l.west, l.east = -everywhere, everywhere
	}
	return geoLimits{l.west - margin, l.east + margin, l.south - margin, l.north + margin}
}

// exclude says that a place is outside for sure.
func (l *geoLimits) exclude(p GeoPoint) bool {
	return p.Lat < l.south || p.Lat > l.north || p.Lon < l.west || p.Lon > l.east
}

// find appends the members of a sorted set of places that are in the area, in the order of boxes. With a limit over 0 it
// stops when dst has so many.
func (a *GeoArea) find(dst []GeoHit, z *SortedSet, limit int) []GeoHit {
	limits := a.limits()
	list, n := a.boxes()
	for _, b := range list[:n] {
		first, end := b.scores()
		rank, _ := z.Seek(first, nil)
		c := z.From(rank)
		for {
			e, ok := c.Next()
			if !ok || e.Score >= end {
				break
			}
			place := GeoPlace(e.Score)
			if limits.exclude(place) {
				continue
			}
			distance, inside := a.Measure(place)
			if !inside {
				continue
			}
			if dst = append(dst, GeoHit{e, place, distance}); limit > 0 && len(dst) >= limit {
				return dst
			}
		}
	}
	return dst
}

// GeoOrder is an order of what a search finds.
type GeoOrder uint8

const (
	GeoUnordered GeoOrder = iota // nearest first if not all are wanted, else as they are found
	GeoNearest                   // nearest first
	GeoFarthest                  // farthest first
)

// GeoQuery is what a search is to find.
type GeoQuery struct {
	Area  GeoArea
	Order GeoOrder
	Limit int64 // how many at most, the first ones in order; 0 for all
	Any   bool  // the first so many that are found will do, and are then put in order
}

// Search returns what a query finds in a sorted set of places, in dst if that has room. The hits are good until the sorted
// set changes. O(log n + m), m being how many are in the boxes around the area, and the order of what is found.
func (q *GeoQuery) Search(dst []GeoHit, z *SortedSet) []GeoHit {
	limit := 0
	if q.Any {
		limit = int(min(q.Limit, int64(z.Len())))
	}
	hits := q.Area.find(dst[:0], z, limit)
	order := q.Order
	if order == GeoUnordered && q.Limit > 0 && !q.Any {
		order = GeoNearest
	}
	switch order {
	case GeoNearest:
		slices.SortStableFunc(hits, func(a, b GeoHit) int { return cmp.Compare(a.Distance, b.Distance) })
	case GeoFarthest:
		slices.SortStableFunc(hits, func(a, b GeoHit) int { return cmp.Compare(b.Distance, a.Distance) })
	}
	if q.Limit > 0 && int64(len(hits)) > q.Limit {
		hits = hits[:q.Limit]
	}
	return hits
}
