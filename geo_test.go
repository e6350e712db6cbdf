package darter

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	palermo   = Placed{"Palermo", GeoPoint{13.361389, 38.115556}}
	catania   = Placed{"Catania", GeoPoint{15.087269, 37.502669}}
	agrigento = Placed{"Agrigento", GeoPoint{13.583333, 37.316667}}
)

func foundMembers(found []GeoFound) (members []string) {
	for _, f := range found {
		members = append(members, f.Member)
	}
	return members
}

func TestGeo(t *testing.T) {
	c := newTestCache(t, Options{})
	g := c.Geo("Sicily")
	found, err := g.Search(GeoSearch{Radius: 1000})
	require.NoError(t, err)
	require.Empty(t, found)
	added, err := g.AddMany(palermo, catania)
	require.NoError(t, err)
	require.Equal(t, 2, added)
	fresh, err := g.Add(palermo.Member, GeoPoint{0, 0})
	require.NoError(t, err)
	require.False(t, fresh)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	fresh, err = g.Add(palermo.Member, palermo.At)
	require.NoError(t, err)
	require.False(t, fresh)
	fresh, err = g.Add(agrigento.Member, agrigento.At)
	require.NoError(t, err)
	require.True(t, fresh)

	at, err := g.Pos("Palermo")
	require.NoError(t, err)
	require.Equal(t, GeoPoint{13.361389338970184, 38.1155563954963}, at)
	hash, err := g.Hash("Palermo")
	require.NoError(t, err)
	require.Equal(t, "sqc8b49rny0", hash)
	d, err := g.Dist("Palermo", "Catania")
	require.NoError(t, err)
	require.InDelta(t, 166274.1516, d, 0.0001)
	require.InDelta(t, 166274.15, palermo.At.DistanceTo(catania.At), 1)

	center := GeoPoint{15, 37}
	for _, x := range []struct {
		o    GeoSearch
		want []string
	}{
		{GeoSearch{Center: center, Radius: 200_000}, []string{"Catania", "Agrigento", "Palermo"}},
		{GeoSearch{Center: center, Radius: 200_000, Farthest: true}, []string{"Palermo", "Agrigento", "Catania"}},
		{GeoSearch{Center: center, Radius: 200_000, Limit: 2}, []string{"Catania", "Agrigento"}},
		{GeoSearch{Center: center, Radius: 200_000, Limit: 1, Farthest: true}, []string{"Palermo"}},
		{GeoSearch{Center: center, Radius: 100_000, Limit: 9, Any: true}, []string{"Catania"}},
		{GeoSearch{Center: center, Box: true, Width: 300_000, Height: 100_000, Any: true}, []string{"Agrigento"}},
		{GeoSearch{Member: "Palermo", Radius: 100_000}, []string{"Palermo", "Agrigento"}},
		{GeoSearch{Member: "Palermo"}, []string{"Palermo"}},
		{GeoSearch{Center: center}, nil},
	} {
		found, err := g.Search(x.o)
		require.NoError(t, err)
		require.Equal(t, x.want, foundMembers(found), "%+v", x.o)
	}
	found, err = g.Search(GeoSearch{Member: "Palermo", Radius: 200_000, Limit: 3})
	require.NoError(t, err)
	require.Equal(t, at, found[0].At)
	require.Zero(t, found[0].Meters)
	require.Equal(t, d, found[2].Meters)

	found, err = snap.Geo("Sicily").Search(GeoSearch{Center: center, Radius: 200_000})
	require.NoError(t, err)
	require.Equal(t, []string{"Catania"}, foundMembers(found))

	n, err := g.SearchStore("near", GeoSearch{Member: "Palermo", Radius: 100_000})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	stored, err := c.Geo("near").Pos("Palermo")
	require.NoError(t, err)
	require.Equal(t, at, stored)
	n, err = c.Geo("near").SearchStore("near", GeoSearch{Member: "Palermo", Radius: 1})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = c.SortedSet("near").Len()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = g.SearchStore("near", GeoSearch{Center: GeoPoint{100, 10}, Radius: 1})
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = c.Exists("near")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestGeoErrors(t *testing.T) {
	c := newTestCache(t, Options{})
	g := c.Geo("g")
	for _, p := range []GeoPoint{{181, 0}, {-181, 0}, {0, 86}, {0, -86}, {math.NaN(), 0}, {0, math.Inf(1)}} {
		_, err := g.Add("x", p)
		require.ErrorIs(t, err, ErrInvalid)
		_, err = g.AddMany(palermo, Placed{"x", p})
		require.ErrorIs(t, err, ErrInvalid)
		_, err = g.Search(GeoSearch{Center: p, Radius: 1})
		require.ErrorIs(t, err, ErrInvalid)
	}
	for _, o := range []GeoSearch{
		{Radius: -1}, {Radius: math.NaN()}, {Box: true, Width: -1}, {Box: true, Height: math.NaN()}, {Limit: -1},
		{Radius: 1, Box: true}, {Width: 1}, {Height: 1},
	} {
		_, err := g.Search(o)
		require.ErrorIs(t, err, ErrInvalid, "%+v", o)
		_, err = g.SearchStore("to", o)
		require.ErrorIs(t, err, ErrInvalid, "%+v", o)
	}
	_, err := g.Pos("x")
	require.Equal(t, ErrNotFound, err)
	_, err = g.Hash("x")
	require.Equal(t, ErrNotFound, err)
	_, err = g.Dist("x", "y")
	require.Equal(t, ErrNotFound, err)
	_, err = g.Search(GeoSearch{Member: "x", Radius: 1})
	require.Equal(t, ErrNotFound, err)
	mustSet(t, c, "g", "v")
	_, err = g.Add("x", GeoPoint{})
	require.Equal(t, ErrWrongType, err)
	_, err = g.Pos("x")
	require.Equal(t, ErrWrongType, err)
	_, err = g.Dist("x", "y")
	require.Equal(t, ErrWrongType, err)
	_, err = g.Search(GeoSearch{Radius: 1})
	require.Equal(t, ErrWrongType, err)
	_, err = g.SearchStore("to", GeoSearch{Radius: 1})
	require.Equal(t, ErrWrongType, err)

	snap, err := c.Snapshot()
	require.NoError(t, err)
	_, err = snap.Geo("x").Add("x", GeoPoint{})
	require.Equal(t, ErrReadOnly, err)
	_, err = snap.Geo("x").SearchStore("x", GeoSearch{Radius: 1})
	require.Equal(t, ErrReadOnly, err)
	snap.Close()
	_, err = snap.Geo("x").Search(GeoSearch{Radius: 1})
	require.Equal(t, ErrClosed, err)
}
