// Package difftest compares two servers: a real redis-server and darter. Commands are written once, in text scripts
// under testdata, and run line by line on both, over RESP2 and again over RESP3; replies must agree in every type
// and byte. A second test sends random commands to both in lockstep, a third one commands with arguments that do not fit.
//
// Two tests need no other server: replies of every command are held against outlines of what Redis says they look like
// (outline.go), and random commands must get the same replies from caches of any form, in shards, in the limits of packed
// containers, with snapshots open, saved and loaded in between (forms_test.go).
//
// # Scripts
//
// A line is one command, with the quoting redis-cli accepts, as in
//
//	SET "a key\x00" 'it\'s'
//
// A line that starts with # is a comment. All data is flushed before each script, and each has connections of its own.
// Two additions help tests:
//
//	"ab"*1000            a quoted argument followed by *N is repeated N times
//	$now+10 $nowms-500   the clock in seconds or milliseconds, read once for both servers
//	$id $id:c2           the client id of this connection, or of c2, on the server asked
//	$addr $addr:c2       the client address of this connection, or of c2
//	$laddr               the server's address, as this connection sees it
//	$cursor              the place of the cursor in a line with !scan
//
// In front of a command may stand, in any order:
//
//	@c2             the connection to use, dialled when first named; without it, the one called main
//	!unordered      compare the top-level elements as a multiset
//	!any-order      compare the elements of arrays at every depth as multisets
//	!pairs          the top-level array is a flat map: compare it as one
//	!shape          compare types, lengths and the keys of maps, not values
//	!approx N       integers, also those in strings, may differ by N; negative ones may not
//	!error-prefix   compare only the first word of an error
//	!has a,b,c      compare only the kind of the reply; each of the texts must occur in both replies
//	!match "re"     compare only the kind of the reply; the canonical text of both must match
//	!scan           repeat with the returned cursor in place of $cursor until it is 0; compare the sets of elements
//	!until          repeat until the reply has what !has or !match asks for, on each server by itself
//	!expect         do not run it on the real server; the reply must be the text after " => ". When RESP3 has
//	                another text it follows after a second " => "
//	!solo           do not run it on the real server; check the reply by !has or !match alone
//	!resp2 !resp3   a line for one protocol only
//	!raw            the arguments, joined, are sent as they are
//	!send           send, and wait for no reply
//	!replies N      wait for N replies instead of one
//	!closes         collect replies until the server closes the connection, which it must do
//
// Lines without a command:
//
//	!recv           wait for one reply to something sent before (takes the comparing directives)
//	!closed         the connection must be closed by the server, with no reply before it
//	!close          close the connection; it is dialled anew when next used
//	!reset          close all connections and flush all data
//	!sleep MS       wait
//
// !expect and !solo are for what Redis 7.2 and later answer differently from the real server at hand, and for the
// few deliberate differences, which the script explains. They are left out when both sides are the same server.
//
// # Running
//
//	go test ./internal/difftest                              scripts and random commands
//	go test ./internal/difftest -run Scripts/strings_set     one script
//	DIFFTEST_ADDR=127.0.0.1:6380 go test ./internal/difftest  another server in place of the one in this process
//	go test ./internal/difftest -run 'Random|Form|BadInput' -random.count 100000 -random.seed 7
package difftest
