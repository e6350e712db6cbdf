// Package frameworks uses the server binary through frameworks that stand on Redis: what must work is what they do with
// scripts, transactions and waits. It is a module of its own, so that darter's users inherit none of them.
package frameworks
