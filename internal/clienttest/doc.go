// Package clienttest uses the server binary through go-redis, as its users do: what must work is what that client makes of
// the replies, in both protocols, with its pool of connections, its pipelines and its way of starting a connection.
package clienttest
