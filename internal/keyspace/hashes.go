package keyspace

// expireFields removes fields of a hash whose time has come, at most budget of them, and says whether there are more.
func (db *DB) expireFields(it Item, budget int) (more bool) { return false }
