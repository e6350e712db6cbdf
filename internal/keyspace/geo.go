package keyspace

import "github.com/darterdb/darter/internal/value"

// GeoStore makes a key hold what a search has found in an area, whatever it held, or removes it if that is nothing. The
// scores are places, or, with a unit over 0, distances in so many meters. The hits may be of the key itself.
func GeoStore(to Target, a *value.GeoArea, hits []value.GeoHit, unit float64, e Event) error {
	t := value.Tally{Seed: to.DB.shard.Seed}
	var digits [20]byte
	for i := range hits {
		h := &hits[i]
		score := h.Score
		if unit > 0 {
			score = a.Center.Distance(h.Place) / unit
		}
		t.Add(h.Member(digits[:]), score)
	}
	return to.DB.SortedStore(to.Hash, to.Key, &t, e)
}
