package darter_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/redistest"
)

// notified are commands of all types. A line's events must be those of Redis, in its order.
const notified = `
SET s 1|SET s 2 EX 100|SET s 3 KEEPTTL|SET s x NX|SET s x GET|SETNX s2 1|SETNX s2 1|SETEX s3 100 v|PSETEX s3 100000 v|GETSET s 4|GETDEL s2|GETDEL s2
APPEND s tail|APPEND new tail|SETRANGE s 1 x|SETRANGE s 1 ""|SET n 1|INCR n|DECR n|INCRBY n 4|DECRBY n 2|INCRBYFLOAT n 1.5|MSET a 1 b 2|MSETNX a 1 z 1|MSETNX y 1 z 1
GETEX s EX 100|GETEX s PERSIST|GETEX s PERSIST|GETEX s|SETBIT bits 3 1|BITFIELD bits SET u8 0 3|BITFIELD bits GET u8 0|BITOP OR dest bits bits|BITOP OR dest none|PFADD hll a|PFADD hll a|PFMERGE hll2 hll|PFCOUNT hll
DEL a b none|UNLINK y|EXPIRE s 100|EXPIRE none 100|EXPIRE s 1 GT|PERSIST s|PERSIST s|PEXPIREAT z 1|EXPIRE n -1|RENAME s t|RENAMENX t u|COPY u v|COPY u v|COPY u v REPLACE|MOVE u 3|MOVE u 3|TOUCH v
RENAME v v|SET r1 1|SET r2 2|RENAME r1 r2|RENAMENX v s3|EXPIREAT s3 1
RPUSH l 1 2 3|LPUSH l 0|LPUSHX l x|LPUSHX none x|RPUSHX l y|LPOP l|RPOP l 2|LPOP l 0|LINSERT l BEFORE 1 z|LINSERT l BEFORE none z|LSET l 0 q|LREM l 0 none|LREM l 0 q|LTRIM l 0 0|LMOVE l l2 LEFT RIGHT|RPOPLPUSH l2 l2|RPOPLPUSH l2 l3|LTRIM l3 5 6
RPUSH l4 1|LPOP l4|LMPOP 2 l5 l4 LEFT|RPUSH l5 1 2|LMPOP 2 l4 l5 LEFT COUNT 5|RPUSH l6 a|BLPOP l6 1|RPUSH l6 a|BLMOVE l6 l7 LEFT LEFT 1|RPUSH l7 b|LREM l7 0 a|LREM l7 0 b
SORT l7 STORE sorted|RPUSH l7 3 1 2|SORT l7 STORE sorted|SORT none STORE sorted
SADD set a b c|SADD set a|SREM set a none|SREM set none|SMOVE set set2 b|SMOVE set set2 none|SPOP set|SPOP set2|SADD set 1 2 3|SPOP set 2|SPOP set 2|SADD set 1 2|SINTERSTORE out set set|SUNIONSTORE out set|SDIFFSTORE out set set|SDIFFSTORE out set set|SPOP set 0
HSET h a 1 b 2|HSET h a 1|HSETNX h a 1|HSETNX h c 1|HMSET h d 4|HINCRBY h a 1|HINCRBYFLOAT h a 1.5|HDEL h none|HDEL h a b|HDEL h c d
ZADD z1 1 a 2 b 3 c|ZADD z1 1 a|ZADD z1 NX 5 a|ZADD z1 5 a|ZADD z1 INCR 1 a|ZINCRBY z1 1 b|ZREM z1 none|ZREM z1 a|ZPOPMIN z1|ZPOPMAX z1|ZPOPMAX z1|ZADD z1 1 a 2 b 3 c 4 d 5 e 6 f|ZREMRANGEBYSCORE z1 1 1|ZREMRANGEBYRANK z1 0 0|ZREMRANGEBYLEX z1 [c [c|ZREMRANGEBYSCORE z1 90 99
ZRANGESTORE z2 z1 0 -1|ZRANGESTORE z2 none 0 -1|ZUNIONSTORE z2 2 z1 z1|ZINTERSTORE z2 2 z1 z1|ZINTERSTORE z2 2 z1 none|ZDIFFSTORE z2 2 z1 none|ZMPOP 1 z1 MIN COUNT 10|BZPOPMIN z2 1|ZMPOP 1 z2 MAX COUNT 9|ZADD z2 1 a|BZMPOP 1 1 z2 MIN
GEOADD g 13 38 p 15 37 c|GEOADD g 13 38 p|GEOSEARCHSTORE g2 g FROMLONLAT 15 37 BYRADIUS 200 km|GEORADIUS g 15 37 200 km STORE g3|GEOSEARCHSTORE g2 g FROMLONLAT 0 0 BYRADIUS 1 km
XADD x 1-1 f v|XADD x 2-1 f v|XADD x MAXLEN 1 3-1 f v|XADD x NOMKSTREAM 4-1 f v|XADD nox NOMKSTREAM 1-1 f v|XTRIM x MAXLEN 1|XTRIM x MAXLEN 5|XDEL x 4-1|XDEL x 4-1|XADD x 5-1 f v|XGROUP CREATE x gr 0|XGROUP CREATECONSUMER x gr c1|XGROUP CREATECONSUMER x gr c1|XGROUP SETID x gr 0|XREADGROUP GROUP gr c2 STREAMS x >|XREADGROUP GROUP gr c2 STREAMS x >|XACK x gr 5-1|XSETID x 9-1|XGROUP DELCONSUMER x gr c1|XGROUP DELCONSUMER x gr c1|XGROUP DESTROY x gr|XGROUP DESTROY x gr|XGROUP CREATE nx gr $ MKSTREAM
XADD xx 1-1 f v|XGROUP CREATE xx gr 0|XREADGROUP GROUP gr a STREAMS xx >|XCLAIM xx gr b 0 1-1|XCLAIM xx gr b 0 9-9|XAUTOCLAIM xx gr c 0 0
MULTI|SET m1 1|INCR m1|DEL m1|EXEC|EVAL "redis.call('SET', 'e1', 1) redis.call('DEL', 'e1')" 0|SELECT 5|SET five 1|SELECT 0|FLUSHALL|SWAPDB 0 1
GET missing|MGET missing missing2|HGET missing f|EXISTS missing|TTL missing|TYPE missing|LRANGE missing 0 -1|STRLEN missing|DEL missing|SMEMBERS missing|ZSCORE missing a|XRANGE missing - +
`

func notifiedLines() (lines [][]string) {
	for line := range strings.SplitSeq(notified, "\n") {
		for one := range strings.SplitSeq(line, "|") {
			if one == "" {
				continue
			}
			if before, quoted, ok := strings.Cut(one, `"`); ok {
				text, after, _ := strings.Cut(quoted, `"`)
				words := append(strings.Fields(before), text)
				lines = append(lines, append(words, strings.Fields(after)...))
				continue
			}
			lines = append(lines, strings.Fields(one))
		}
	}
	return lines
}

// What is published is what Redis publishes, command by command, for all classes.
func TestNotifications(t *testing.T) {
	server := redistest.Start(t)
	for _, mode := range []string{"KEA", "KEAm", "KEn", "Eg$", "Kzh", "EA"} {
		t.Run(mode, func(t *testing.T) {
			real, other, heard := server.Dial(t), server.Dial(t), server.Dial(t)
			real.Do("FLUSHALL")
			require.Equal(t, "OK", real.Do("CONFIG", "SET", "notify-keyspace-events", mode).Str)
			heard.Do("PSUBSCRIBE", "__key*")
			heard.Do("SUBSCRIBE", "end")
			c, s := newSession(t)
			require.Equal(t, "OK", do(s, "CONFIG", "SET", "notify-keyspace-events", mode))
			sub := c.SubscribeTo(t.Context(), darter.SubscribeOptions{Patterns: []string{"__key*"}, Channels: []string{"end"}})
			defer sub.Close()
			for _, line := range notifiedLines() {
				real.Do(line...)
				other.Do("PUBLISH", "end", "")
				args := make([]any, len(line))
				for i, a := range line {
					args[i] = a
				}
				do(s, args...)
				c.Publish("end", nil)
				var want, got []string
				for {
					r := heard.Receive()
					if r.Elems[0].Str == "message" {
						break
					}
					want = append(want, r.Elems[2].Str+" "+r.Elems[3].Str)
				}
				for m := range sub.Messages() {
					if m.Channel == "end" {
						break
					}
					got = append(got, m.Channel+" "+string(m.Payload))
				}
				if strings.Join(want, "\n") != strings.Join(got, "\n") {
					t.Errorf("%v\nredis:  %v\ndarter: %v", line, want, got)
				}
			}
		})
	}
}

func TestNotifyOff(t *testing.T) {
	c, s := newSession(t)
	sub := c.SubscribePattern(t.Context(), "*")
	defer sub.Close()
	for _, mode := range []string{"KEA", "K", "A", "", "Kh"} {
		require.Equal(t, "OK", do(s, "CONFIG", "SET", "notify-keyspace-events", mode))
		do(s, "SET", "k", mode)
	}
	c.Publish("end", nil)
	var got []string
	for m := range sub.Messages() {
		if m.Channel == "end" {
			break
		}
		got = append(got, m.Channel)
	}
	require.Equal(t, []string{"__keyspace@0__:k", "__keyevent@0__:set"}, got)
	require.Equal(t, "ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - "+
		"Invalid event class character. Use 'Ag$lshzxeKEtmdn'.", do(s, "CONFIG", "SET", "notify-keyspace-events", "zz!"))
}

// A key that is missing is told of once, also to a command that reads aside, which leaves no trace if that is asked for.
func TestHeavyReadsAreReads(t *testing.T) {
	var now atomic.Int64
	c, err := darter.New(darter.Options{Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	for i := range 5000 {
		do(s, "SADD", "big", i)
	}
	require.Equal(t, "OK", do(s, "CONFIG", "SET", "notify-keyspace-events", "Em"))
	sub := c.Subscribe(t.Context(), "__keyevent@0__:keymiss", "end")
	defer sub.Close()
	require.Len(t, do(s, "SUNION", "big", "missing"), 5000)
	c.Publish("end", nil)
	var missed []string
	for m := range sub.Messages() {
		if m.Channel == "end" {
			break
		}
		missed = append(missed, string(m.Payload))
	}
	require.Equal(t, []string{"missing"}, missed)

	idle := func() bool { return do(s, "OBJECT", "IDLETIME", "big") == int64(1000) }
	now.Store(1000)
	s.SetNoTouch(true)
	require.Eventually(t, idle, time.Minute, time.Millisecond)
	require.Len(t, do(s, "SMEMBERS", "big"), 5000)
	require.True(t, idle())
}

func TestNotifyForms(t *testing.T) {
	_, s := newSession(t)
	for text, want := range map[string]string{
		"KEA": "AKE", "Kg": "gK", "KEg$lshzxetd": "AKE", "KEg$lshzxet": "g$lshzxetKE", "nKEgm": "gnKEm", "": "", "EKAmnx": "AnKEm",
	} {
		do(s, "CONFIG", "SET", "notify-keyspace-events", text)
		require.Equal(t, darter.Map{{Key: []byte("notify-keyspace-events"), Value: []byte(want)}},
			do(s, "CONFIG", "GET", "notify-keyspace-events"), text)
	}
}

func TestEvents(t *testing.T) {
	c, s := newSession(t)
	events := c.Events(t.Context(), "user:*")
	do(s, "SET", "other", 1)
	do(s, "SET", "user:1", 1)
	require.Error(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		require.NoError(t, tx.Set("user:2", nil))
		return context.Canceled
	}))
	require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		_, err := tx.List("user:3").PushRight([]byte("x"))
		return err
	}))
	require.NoError(t, c.DB(1).Set("user:4", nil))
	do(s, "DEL", "user:1", "user:3")
	var got []string
	for m := range events.Messages() {
		if got = append(got, m.Channel+" "+string(m.Payload)); len(got) == 4 {
			break
		}
	}
	require.Equal(t, []string{"user:1 set", "user:3 rpush"}, got[:2])
	require.ElementsMatch(t, []string{"user:1 del", "user:3 del"}, got[2:])
	events.Close()
	do(s, "SET", "user:1", 1)
	for range events.Messages() {
		t.Fatal("closed")
	}
}
