package keyspace

// ExpireFlags are the conditions of Expire; those that are set must all hold.
type ExpireFlags uint8

const (
	ExpireNX ExpireFlags = 1 << iota // the key has no time of expiry
	ExpireXX                         // it has one
	ExpireGT                         // the new one is later than the old; none is later than any
	ExpireLT                         // it is earlier
)

// allow says whether the conditions hold for a key whose time of expiry is before, 0 for none.
func (f ExpireFlags) allow(before, at int64) bool {
	switch {
	case f&ExpireNX != 0 && before != 0:
	case f&ExpireXX != 0 && before == 0:
	case f&ExpireGT != 0 && (before == 0 || at <= before):
	case f&ExpireLT != 0 && before != 0 && at >= before:
	default:
		return true
	}
	return false
}

// Expire gives a key that was found a time of expiry (Unix time in milliseconds), if the conditions allow it, and says
// whether they did. A time that has come removes the key.
func (db *DB) Expire(it Item, at int64, f ExpireFlags) (bool, error) {
	if !f.allow(it.ExpireAt(), at) {
		return false, nil
	}
	if at <= db.Now() {
		return true, db.Delete(it, EventDel)
	}
	_, err := db.SetExpiry(it, at, EventExpire)
	return err == nil, err
}

// Persist takes the time of expiry from a key that was found, and says whether it had one.
func (db *DB) Persist(it Item) (bool, error) {
	if !it.slot.Expires() {
		return false, nil
	}
	_, err := db.SetExpiry(it, 0, EventPersist)
	return err == nil, err
}

// TTL returns the milliseconds that a key which was found has left to live, at least 0, and whether it has an end.
func (it Item) TTL() (ms int64, ends bool) {
	if !it.slot.Expires() {
		return 0, false
	}
	return max(it.ExpireAt()-it.db.Now(), 0), true
}
