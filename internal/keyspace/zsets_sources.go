package keyspace

import "github.com/darterdb/darter/internal/value"

// SortedSource opens a key's sorted set or set as a source of an operation on several, of weight 1; an absent key is
// an empty one. It is good until the DB changes. Another kind of value is errs.WrongType.
func (it Item) SortedSource() (value.ScoreSource, error) {
	if !it.Found() {
		return value.SourceOf(value.View{}, SortedSet, nil), nil
	}
	kind := SortedSet
	if it.Kind() == Set {
		kind = Set
	}
	raw, err := it.As(kind)
	return value.SourceOf(it.db.shard.view, kind, raw), err
}

// SortedSource is Item.SortedSource in a version.
func (it FrozenItem) SortedSource() (value.ScoreSource, error) {
	if !it.Found() {
		return value.SourceOf(value.View{}, SortedSet, nil), nil
	}
	kind := SortedSet
	if it.Kind() == Set {
		kind = Set
	}
	raw, err := it.As(kind)
	return value.SourceOf(it.View(), kind, raw), err
}
