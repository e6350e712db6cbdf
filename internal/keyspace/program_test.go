package keyspace

import (
	"math"
	"strconv"
	"strings"
)

// program reads operations from bytes.
type program struct{ b []byte }

func (p *program) byte() int {
	if len(p.b) == 0 {
		return 0
	}
	c := p.b[0]
	p.b = p.b[1:]
	return int(c)
}

func (p *program) db() int { return p.byte() % worldDatabases }

func (p *program) key() string {
	switch n := p.byte(); {
	case n < 8:
		return "k" + strings.Repeat("long", n*20)
	case n < 200:
		return "key:" + strconv.Itoa(n%60)
	default:
		return "filled:" + strconv.Itoa(n<<4|p.byte()&15)
	}
}

func (p *program) value() string {
	switch n := p.byte(); {
	case n < 60:
		return strconv.Itoa(n - 30)
	case n < 70:
		return strconv.FormatInt(math.MaxInt64-int64(n-60), 10)
	case n < 200:
		return strings.Repeat(string(rune('a'+n%26)), p.byte()*(n%5))
	case n < 240:
		return strings.Repeat("word", p.byte()<<(n%7))
	default:
		return strings.Repeat("x", p.byte()*600)
	}
}

// time returns a moment: past, soon, or far away.
func (p *program) time(now int64) int64 {
	n := int64(p.byte())
	switch p.byte() % 8 {
	case 0:
		return now - n
	case 1, 2, 3:
		return now + n*20
	case 4:
		return now + n*4000
	case 5:
		return now + n*300_000
	case 6:
		return now + n*3_600_000_000
	}
	return math.MaxInt64 - n
}

func (w *world) step(p *program) {
	w.steps++
	switch op := p.byte() % 44; op {
	case 0, 1, 2:
		w.set(p.db(), p.key(), p.value(), SetOptions{})
	case 3, 4, 5:
		f := p.byte()
		o := SetOptions{NX: f&3 == 1, XX: f&3 == 2, Get: f&8 != 0}
		if f&4 != 0 {
			o.KeepTTL = true
		} else if f&16 != 0 {
			o.ExpireAt = p.time(w.now)
		}
		w.set(p.db(), p.key(), p.value(), o)
	case 6:
		w.get(p.db(), p.key())
	case 7, 8:
		w.del(p.db(), p.key())
	case 9:
		w.incrBy(p.db(), p.key(), int64(int8(p.byte())))
	case 10:
		w.incrByFloat(p.db(), p.key())
	case 11, 12:
		w.append(p.db(), p.key(), p.value())
	case 13:
		w.setRange(p.db(), p.key(), int64(p.byte()), p.value())
	case 14:
		w.setRange(p.db(), p.key(), math.MaxInt64-int64(p.byte()), "part")
	case 15:
		w.getDel(p.db(), p.key())
	case 16:
		w.getEx(p.db(), p.key(), GetExOptions{ExpireAt: p.time(w.now)})
	case 17:
		w.getEx(p.db(), p.key(), GetExOptions{Persist: p.byte()&1 != 0})
	case 18, 19:
		w.expire(p.db(), p.key(), p.time(w.now), ExpireFlags(p.byte())&15&ExpireFlags(p.byte()))
	case 20:
		w.persist(p.db(), p.key())
	case 21, 22:
		w.rename(p.db(), p.key(), p.key(), p.byte()&1 != 0)
	case 23:
		w.copyKey(p.db(), p.key(), p.db(), p.key(), p.byte()&1 != 0)
	case 24:
		w.move(p.db(), p.key(), p.db())
	case 25:
		w.now += int64(p.byte())
		w.clock.Tick()
	case 26:
		if later := p.time(w.now); later-w.now < 1<<33 {
			w.now = max(later, w.now)
			w.clock.Tick()
		}
	case 27:
		if db := w.shards[p.byte()%worldShards].DB(p.db()); db != nil {
			db.ExpireSome(p.byte())
		}
	case 28:
		w.expireAll()
	case 29, 30:
		if len(w.views) < 5 {
			w.freeze()
		}
	case 31:
		if n := len(w.views); n > 0 {
			w.thaw(p.byte() % n)
		}
	case 32:
		if n := len(w.views); n > 1 {
			i := p.byte() % (n - 1)
			w.checkDiff(w.views[i], w.views[i+1+p.byte()%(n-1-i)])
		}
	case 33:
		w.thawSome()
	case 34:
		if p.byte() < 40 {
			w.bury(p.db())
		}
	case 35:
		if p.byte() < 80 {
			w.swap(p.db(), p.db())
		}
	case 36:
		at := int64(0)
		if p.byte()&1 != 0 {
			at = max(p.time(w.now), 0)
		}
		w.fill(p.db(), p.byte()<<4, p.byte()*2, at)
	case 37:
		w.drop(p.db(), p.byte()<<4, p.byte()*3)
	case 38:
		w.walkSome(p.db(), p.byte())
	case 39:
		w.shards[p.byte()%worldShards].RepairSome()
	case 40, 41:
		w.save()
	case 42:
		w.checkCommitted()
	case 43:
		w.settle(p.byte()&1 != 0)
	}
}

func (w *world) run(p *program) {
	for len(p.b) > 0 {
		w.step(p)
		if w.steps%512 == 0 {
			w.check()
			for _, v := range w.views {
				w.checkView(v)
			}
		}
	}
	w.end()
}
