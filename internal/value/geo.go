package value

import (
	"math"
	"strconv"
)

// # Places
//
// A place on the earth is kept as the score of a member of a sorted set: its geohash of 52 bits, which a float64 holds
// exactly. The world is halved 26 times each way, and what half the place is in gives a bit, longitude and latitude in turn:
//
//	bit     51   50   49   48  ...  1    0
//	        lon  lat  lon  lat ...  lon  lat
//
// Places that share the first 2n bits are in one box of the n-th step, a range of scores. Latitudes end at 85.05 degrees,
// where the map of Mercator's projection is a square. So what is kept is a box some 60 cm wide; the place that comes back
// is its middle.
//
// Other programs read these scores, so each number here comes out as Redis computes it on doubles. Products are converted
// before they are added, so that no compiler fuses the two into an operation of another precision.

const (
	geoSteps  = 26
	geoLonMax = 180
	geoLatMax = 85.05112878

	earthRadius = 6372797.560856 // in meters
	geoDegree   = math.Pi / 180
)

// GeoPoint is a place, in degrees.
type GeoPoint struct{ Lon, Lat float64 }

// Valid says that the place can be kept.
func (p GeoPoint) Valid() bool {
	return p.Lon >= -geoLonMax && p.Lon <= geoLonMax && p.Lat >= -geoLatMax && p.Lat <= geoLatMax
}

// Score returns the score of a valid place.
func (p GeoPoint) Score() float64 { return float64(geoHash(p, geoSteps, geoLatMax)) }

// GeoPlace returns the place that a score stands for. Every score stands for one.
func GeoPlace(score float64) GeoPoint {
	b := geoBox{geoScoreBits(score), geoSteps}
	west, east, south, north := b.bounds()
	return GeoPoint{
		Lon: max(-geoLonMax, min(geoLonMax, (west+east)/2)),
		Lat: max(-geoLatMax, min(geoLatMax, (south+north)/2)),
	}
}

// geoScoreBits turns a score, which may be no geohash, into bits, as the processors that Redis mostly runs on do.
func geoScoreBits(score float64) uint64 {
	const half = 1 << 63
	switch {
	case score >= 2*half:
		return 0
	case score >= half:
		return uint64(int64(score-half)) ^ half
	case score < -half:
		return half
	}
	return uint64(int64(score))
}

// geoHash returns the geohash of a place with a number of steps each way, on a map that ends at a latitude.
func geoHash(p GeoPoint, steps uint, latMax float64) uint64 {
	lat := (p.Lat + latMax) / (latMax + latMax)
	lon := (p.Lon + geoLonMax) / (geoLonMax + geoLonMax)
	scale := float64(uint64(1) << steps)
	return geoSpread(uint32(lat*scale)) | geoSpread(uint32(lon*scale))<<1
}

// geoSpread moves the bits of a number to the even places.
func geoSpread(n uint32) uint64 {
	x := uint64(n)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// geoGather is its opposite.
func geoGather(x uint64) uint32 {
	x &= 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16)
}

// AppendGeohash appends the standard geohash of a place, 11 letters, which takes latitudes up to the poles. The last letter
// would need more bits than there are: it is always 0.
func (p GeoPoint) AppendGeohash(dst []byte) []byte {
	const letters = "0123456789bcdefghjkmnpqrstuvwxyz"
	bits := geoHash(p, geoSteps, 90)
	for shift := 2*geoSteps - 5; shift >= 0; shift -= 5 {
		dst = append(dst, letters[bits>>shift&31])
	}
	return append(dst, '0')
}

// Distance returns the distance between two places in meters, by the haversine formula on a sphere.
func (p GeoPoint) Distance(q GeoPoint) float64 { return p.haversine(q, exactSin, exactCos, exactAsin) }

// nearDistance is Distance but for the last digits, in less time.
func (p GeoPoint) nearDistance(q GeoPoint) float64 {
	return p.haversine(q, math.Sin, math.Cos, math.Asin)
}

func (p GeoPoint) haversine(q GeoPoint, sin, cos, asin func(float64) float64) float64 {
	v := sin((float64(q.Lon*geoDegree) - float64(p.Lon*geoDegree)) / 2)
	if v == 0 {
		return latDistance(p.Lat, q.Lat)
	}
	lat1, lat2 := float64(p.Lat*geoDegree), float64(q.Lat*geoDegree)
	u := sin((lat2 - lat1) / 2)
	a := float64(u*u) + float64(cos(lat1)*cos(lat2)*v*v)
	return 2 * earthRadius * asin(math.Sqrt(a))
}

// latDistance returns the distance in meters between two places of one longitude.
func latDistance(lat1, lat2 float64) float64 {
	return earthRadius * math.Abs(float64(lat2*geoDegree)-float64(lat1*geoDegree))
}

// AppendDistance appends the distance between two places in a unit of so many meters, with its four decimals.
func (p GeoPoint) AppendDistance(dst []byte, q GeoPoint, unit float64) []byte {
	d := p.nearDistance(q) / unit
	// The last digits count only where the fifth decimal and those behind it are about a half.
	const near = 0.01
	if scaled := d * 1e4; math.Abs(scaled-math.Floor(scaled)-0.5) < near {
		d = p.Distance(q) / unit
	}
	return strconv.AppendFloat(dst, math.RoundToEven(d*1e4)/1e4, 'f', 4, 64)
}

// AppendDegrees appends a coordinate with the first 17 decimals of what the float64 stands for, without zeros at the end.
func AppendDegrees(dst []byte, f float64) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', 17, 64)
	end := len(dst)
	for dst[end-1] == '0' {
		end--
	}
	if dst[end-1] == '.' {
		end--
	}
	if string(dst[start:end]) == "-0" {
		return append(dst[:start], '0')
	}
	return dst[:end]
}
