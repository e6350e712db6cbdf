// Package luavm runs scripts: the Lua 5.1 of EVAL, EVALSHA and functions, in machines that no script can break out of,
// bring down, or keep from being stopped. It knows no keys, no shards and no wire format: commands go to a Host, and
// replies come and go through a reply.Writer.
//
// # Why a machine of our own
//
// The parser is gopher-lua's; the compiler and the virtual machine are not. gopher-lua's machine has no place to stop
// at: t[2^26-1] = 1 makes it allocate a gigabyte, s = s .. s in a loop ends the process, its only hook is a context
// asked before every instruction, numbers turn into text as Go prints them, and its messages are not Lua's, while
// scripts compare messages. It was also the slower one. CPU time of one core of a busy machine, in ms:
//
//	                                              gopher-lua   this   Redis 7.0
//	10,000 x redis.call('SET', 'key'..i, i)              8.6    2.0        14.6   the first two with an idle host
//	fib(22), 57,000 calls                                4.8    2.3         1.5
//	100,000 turns of a loop with two additions          10.1    2.1         1.5
//
// In the first gopher-lua allocates 110,000 times, this machine 20,000 times, for the strings.
//
// # The way through the files
//
//	pool, script, library, run     what callers see: compiled scripts, machines kept for reuse, runs
//	reuse                          memory of one run that serves the next
//	machine                        globals and libraries, made once, readonly for scripts
//	source, compile*, proto        from text to code: the parser's tree, registers, instructions
//	value, table, number           values: 24 bytes, numbers never boxed; strings that know their hash
//	thread, call, execute, meta    stacks, calls, the loop, and what metatables do to it
//	meter                          limits, the kill switch, the count of memory
//	errors, args, builder          Lua's messages; arguments of library functions; long strings
//	lib_*, pattern, power          the libraries
//	reply_in, reply_out            replies of commands into Lua values, and results into replies
//
// # What holds
//
// Nothing a script does outlives its run: every table that does is readonly, KEYS and ARGV are emptied, the configuration
// of cjson and the seed of math.random start anew. Only the local variables of a function library persist, in each
// machine that has loaded it; a script can not see them.
//
// Every loop that a script can make long spends fuel, in library functions as in code, and fuel runs out every few
// thousand steps: then the kill switch, the clock and the budget of instructions are looked at. Whatever grows is
// charged before it is allocated. A run that is stopped unwinds with a panic that no pcall, no coroutine and no handler
// catches. Recursion is bounded wherever it uses the Go stack: calls from Go by 200 levels, as in Lua, patterns, nested
// values and the parser's tree by bounds of their own. There is no os but os.clock, no io, no debug, no loading of
// files or of bytecode.
//
// Where Lua and C leave behaviour to the machine, that of Redis on 64-bit Linux is kept: what a number too large
// becomes as an integer, text that a zero byte ends, the sequence of random numbers, the comparisons of a sort. A test
// runs several hundred scripts, and random ones without end, here and on a real server.
package luavm
