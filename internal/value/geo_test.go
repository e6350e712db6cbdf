package value

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// halvings is the geohash of a place by the book: halves of the world, one after the other.
func halvings(p GeoPoint, steps int, latMax float64) (bits uint64) {
	west, east, south, north := -180.0, 180.0, -latMax, latMax
	for range steps {
		for _, side := range []struct{ low, high, at *float64 }{{&west, &east, &p.Lon}, {&south, &north, &p.Lat}} {
			middle := (*side.low + *side.high) / 2
			bits <<= 1
			if *side.at >= middle {
				bits |= 1
				*side.low = middle
			} else {
				*side.high = middle
			}
		}
	}
	return bits
}

func randomPlace(r *rand.Rand) GeoPoint {
	return GeoPoint{r.Float64()*360 - 180, r.Float64()*2*geoLatMax - geoLatMax}
}

func TestGeoScores(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		p := randomPlace(r)
		bits := halvings(p, geoSteps, geoLatMax)
		require.Equal(t, float64(bits), p.Score(), p)
		q := GeoPlace(p.Score())
		require.InDelta(t, p.Lon, q.Lon, 3e-6)
		require.InDelta(t, p.Lat, q.Lat, 2e-6)
		require.Less(t, p.Distance(q), 0.6)
		require.Equal(t, p.Score(), q.Score())

		const letters = "0123456789bcdefghjkmnpqrstuvwxyz"
		want := ""
		for i, bits := 0, halvings(p, geoSteps, 90); i < 10; i++ {
			want += string(letters[bits>>(47-5*i)&31])
		}
		require.Equal(t, want+"0", string(p.AppendGeohash(nil)))
	}
}

// TestGeoKnown has what Redis answers for these.
func TestGeoKnown(t *testing.T) {
	palermo, catania := GeoPoint{13.361389, 38.115556}, GeoPoint{15.087269, 37.502669}
	require.Equal(t, 3479099956230698.0, palermo.Score())
	require.Equal(t, 3479447370796909.0, catania.Score())
	palermo, catania = GeoPlace(palermo.Score()), GeoPlace(catania.Score())
	require.Equal(t, "13.36138933897018433", string(AppendDegrees(nil, palermo.Lon)))
	require.Equal(t, "38.11555639549629859", string(AppendDegrees(nil, palermo.Lat)))
	require.Equal(t, "166274.1516", string(palermo.AppendDistance(nil, catania, 1)))
	require.Equal(t, "103.3182", string(palermo.AppendDistance(nil, catania, 1609.34)))
	require.Equal(t, "sqc8b49rny0", string(palermo.AppendGeohash(nil)))
	require.Equal(t, "sqdtr74hyu0", string(catania.AppendGeohash(nil)))
	require.Equal(t, "0.0000", string(palermo.AppendDistance(nil, palermo, 1)))
	for f, want := range map[float64]string{0: "0", -0.5: "-0.5", 180: "180", 1e-18: "0", -1e-18: "0", 1.25: "1.25", 100: "100"} {
		require.Equal(t, want, string(AppendDegrees(nil, f)))
	}
	// Scores that are no places of this module's making.
	for score, want := range map[float64]string{
		-1: "bp05b5048p0", -5e9: "bp05b5048p0", 1e300: "00bh0hbj200", -1e300: "00bh0hbj200", math.Inf(1): "00bh0hbj200",
		math.Inf(-1): "00bh0hbj200", 0.5: "00bh0hbj200", 1 << 52: "bp05b5048p0", 1 << 53: "00bh0hbj200", 1 << 63: "00bh0hbj200",
		1 << 64: "00bh0hbj200",
	} {
		require.Equal(t, want, string(GeoPlace(score).AppendGeohash(nil)), "%v", score)
	}
	require.False(t, GeoPoint{math.NaN(), 0}.Valid())
	require.False(t, GeoPoint{0, 85.06}.Valid())
	require.True(t, GeoPoint{-180, 85.05112878}.Valid())
}

// bigSine is a sine to a hundred digits and more.
func bigSine(x float64, cosine bool) *big.Float {
	const prec = 400
	f := func(v float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(v) }
	s := new(big.Float).SetPrec(prec).Mul(f(x), f(x))
	term, n := f(x), 1.0
	if cosine {
		term, n = f(1), 0
	}
	sum := new(big.Float).SetPrec(prec).Set(term)
	for range 60 {
		term.Mul(term, s)
		term.Quo(term, f(-(n+1)*(n+2)))
		n += 2
		sum.Add(sum, term)
	}
	return sum
}

func TestExactSines(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	angles := []float64{
		0, 1, -1, math.Pi, -math.Pi, math.Pi / 2, -math.Pi / 2, math.Pi / 4, 3 * math.Pi / 4, 1e-9, -1e-9, 1e-300, 5e-324,
		math.Nextafter(math.Pi, 0), math.Nextafter(math.Pi/4, 1), math.Nextafter(math.Pi/2, 2),
	}
	for range 4000 {
		angles = append(angles, (r.Float64()*2-1)*math.Pi, (r.Float64()*2-1)*math.Pow(10, -8*r.Float64()))
	}
	for _, x := range angles {
		sin, _ := bigSine(x, false).Float64()
		cos, _ := bigSine(x, true).Float64()
		if got := exactSin(x); got != sin {
			t.Fatalf("the sine of %x is %x, not %x", x, got, sin)
		}
		if got := exactCos(x); got != cos {
			t.Fatalf("the cosine of %x is %x, not %x", x, got, cos)
		}
	}
	for range 4000 {
		y := r.Float64()
		x := exactAsin(y)
		// The sine of what is half a digit less must be below, that of half a digit more above.
		for _, side := range []float64{math.Inf(-1), math.Inf(1)} {
			off := bigSine(x, false)
			cos, _ := bigSine(x, true).Float64()
			half := (math.Nextafter(x, side) - x) / 2
			off.Add(off, new(big.Float).SetPrec(400).SetFloat64(half*cos))
			if c := off.Cmp(new(big.Float).SetFloat64(y)); c != 0 && c > 0 != (side > 0) {
				t.Fatalf("the angle of %x is not %x", y, x)
			}
		}
	}
	require.Equal(t, math.Pi/2, exactAsin(1))
	require.Equal(t, 0.0, exactAsin(0))
}

func TestGeoDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		p, q := randomPlace(r), randomPlace(r)
		// The angle between two vectors, which has nothing of the haversine's formula.
		vector := func(p GeoPoint) [3]float64 {
			lon, lat := p.Lon*math.Pi/180, p.Lat*math.Pi/180
			return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
		}
		a, b := vector(p), vector(q)
		cross := [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
		want := earthRadius * math.Atan2(math.Hypot(math.Hypot(cross[0], cross[1]), cross[2]), a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
		require.InEpsilon(t, want, p.Distance(q), 1e-8)
		require.InEpsilon(t, p.Distance(q), p.nearDistance(q), 1e-11)
		require.InDelta(t, p.Distance(q), q.Distance(p), 1e-6)
		same := GeoPoint{p.Lon, q.Lat}
		require.InEpsilon(t, earthRadius*math.Abs(p.Lat-q.Lat)*math.Pi/180, p.Distance(same), 1e-12)
	}
}

func TestGeoMoves(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		steps := uint(1 + r.IntN(geoSteps))
		b := geoBox{r.Uint64() >> (64 - 2*steps), steps}
		lon, lat := geoGather(b.bits>>1), geoGather(b.bits)
		mask := uint32(1)<<steps - 1
		for _, m := range geoMoves {
			moved := b.move(m[0], m[1])
			require.Equal(t, (lon+uint32(m[0]))&mask, geoGather(moved.bits>>1), "%v of %v", m, b)
			require.Equal(t, (lat+uint32(m[1]))&mask, geoGather(moved.bits), "%v of %v", m, b)
		}
	}
}

// placesIn makes a sorted set of places.
func placesIn(t *testing.T, places []GeoPoint) SortedSet {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	h := &Heap{Slab: slab.New(region), Seed: maphash.MakeSeed(), Limits: NewLimits()}
	z := h.SortedSet(nil)
	for i, p := range places {
		_, _, err := z.Add(fmt.Appendf(nil, "place:%d", i), p.Score(), 0)
		require.NoError(t, err)
	}
	raw, _ := z.Raw()
	return OpenSortedSet(View{Mem: h.Mem, Seed: h.Seed}, slices.Clone(raw))
}

// TestGeoSearch compares what boxes find with a look at every place.
func TestGeoSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, n := range []int{0, 1, 50, 3000} {
		places := make([]GeoPoint, n)
		for i := range places {
			places[i] = randomPlace(r)
			if i%3 == 0 {
				places[i] = GeoPoint{10 + r.Float64(), 50 + r.Float64()}
			}
		}
		z := placesIn(t, places)
		for range 300 {
			a := GeoArea{Center: randomPlace(r), Radius: math.Pow(10, r.Float64()*7)}
			if r.IntN(3) == 0 {
				a.Center = GeoPoint{10 + r.Float64(), 50 + r.Float64()}
				a.Radius = math.Pow(10, r.Float64()*5)
			}
			if r.IntN(2) == 0 {
				a.Box, a.Width, a.Height = true, a.Radius, a.Radius*(0.2+r.Float64())
			}
			_, _, south, north := a.bounds()
			if south < -80 || north > 80 {
				continue // near a pole there are more boxes around than nine
			}
			want := map[string]bool{}
			for i, p := range places {
				if _, inside := a.Measure(GeoPlace(p.Score())); inside {
					want[fmt.Sprint("place:", i)] = true
				}
			}
			q := GeoQuery{Area: a}
			hits := q.Search(nil, &z)
			for _, h := range hits {
				member := string(h.Member(nil))
				require.True(t, want[member], "%+v: %s is found twice or outside", a, member)
				delete(want, member)
				require.InDelta(t, a.Center.Distance(h.Place), h.Distance, 1e-6)
			}
			require.Empty(t, want, "%+v", a)
			q.Limit, q.Any = 1+r.Int64N(10), true
			some := q.Search(nil, &z)
			require.Len(t, some, min(int(q.Limit), len(hits)))
			require.Equal(t, hits[:len(some)], some)
			q.Any = false
			slices.SortStableFunc(hits, func(a, b GeoHit) int { return cmp.Compare(a.Distance, b.Distance) })
			require.Equal(t, hits[:len(some)], q.Search(some, &z))
			q.Order = GeoFarthest
			slices.Reverse(hits)
			for i, h := range q.Search(nil, &z) {
				require.Equal(t, hits[i].Distance, h.Distance)
			}
		}
	}
}

// FuzzGeo takes any numbers for places and areas.
func FuzzGeo(f *testing.F) {
	f.Add(13.36, 38.11, 100000.0, 0.0, false, 3479099956230698.0)
	f.Add(180.0, 85.05112878, 1e9, 1e9, true, -1.0)
	f.Add(-180.0, -85.05112878, 0.0, 0.0, false, math.Inf(1))
	f.Add(0.0, 0.0, math.Inf(1), math.Inf(1), true, math.Inf(-1))
	f.Fuzz(func(t *testing.T, lon, lat, width, height float64, box bool, score float64) {
		p := GeoPoint{lon, lat}
		if !p.Valid() || !(width >= 0) || !(height >= 0) || score != score {
			return
		}
		q := GeoPlace(score)
		if !q.Valid() || !GeoPlace(p.Score()).Valid() {
			t.Fatalf("%v is at %v", score, q)
		}
		if d := p.Distance(q); !(d >= 0 && d < 2.1e7) {
			t.Fatalf("from %v to %v it is %v", p, q, d)
		}
		if s := string(p.AppendDistance(nil, q, 1)); !strings.Contains(s, ".") {
			t.Fatal(s)
		}
		if s := q.AppendGeohash(nil); len(s) != 11 {
			t.Fatalf("%q", s)
		}
		a := GeoArea{Center: p, Radius: width, Box: box, Width: width, Height: height}
		if list, n := a.boxes(); n < 1 || n > 9 || slices.Contains(list[1:n], list[0]) && n > 4 {
			t.Fatalf("%v: %v", a, list[:n])
		}
	})
}

func BenchmarkGeo(b *testing.B) {
	p, q := GeoPoint{13.361389, 38.115556}, GeoPoint{15.087269, 37.502669}
	b.Run("near", func(b *testing.B) {
		for b.Loop() {
			p.nearDistance(q)
		}
	})
	b.Run("exact", func(b *testing.B) {
		for b.Loop() {
			p.Distance(q)
		}
	})
	b.Run("score", func(b *testing.B) {
		for b.Loop() {
			p.Score()
		}
	})
	b.Run("place", func(b *testing.B) {
		for b.Loop() {
			GeoPlace(3479099956230698)
		}
	})
}
