package resp

import (
	"sync/atomic"

	"github.com/darterdb/darter/internal/watchdog"
)

// streamMeters is over how many meters the clients without a loop are spread.
const streamMeters = 8

// meter counts for the clients of one loop; it has cache lines of its own.
type meter struct {
	commands, in, out atomic.Int64
	tally             *watchdog.Tally // of how long commands take
	_                 [128 - 4*8]byte
}

// Stats is what a server has to tell of itself. All but the first group count from its beginning.
type Stats struct {
	Clients    int   // connected now
	Blocked    int   // waiting in a blocking command
	MaxInput   int64 // the largest number of bytes received and not run, of any client now
	MaxOutput  int64 // the largest number of bytes of replies not taken, of any client now
	MaxClients int64 // how many are let in
	PubSub     int   // of Clients, those that have subscriptions
	Tracking   int   // of Clients, those that are told of changes of keys; see CLIENT TRACKING

	Accepted int64 // clients let in
	Rejected int64 // clients turned away
	Commands int64 // commands received
	In, Out  int64 // bytes received and sent

	OverOutput int64 // clients closed because too much output waited for them
	OverQuery  int64 // clients closed because of an unfinished command that was too long
}

// Stats returns the server's figures. It looks at every client.
func (s *Server) Stats() Stats {
	st := Stats{
		MaxClients: s.set.maxClients.Load(),
		Accepted:   s.accepted.Load(),
		Rejected:   s.rejected.Load(),
		OverOutput: s.overOutput.Load(),
		OverQuery:  s.overQuery.Load(),
	}
	for _, c := range s.clients.all() {
		st.Clients++
		if c.state.Load()&flagSubscriber != 0 {
			st.PubSub++
		}
		if c.state.Load()&flagTracking != 0 {
			st.Tracking++
		}
		if c.session.Blocked() {
			st.Blocked++
		}
		st.MaxInput = max(st.MaxInput, c.seen.in.Load())
		st.MaxOutput = max(st.MaxOutput, c.seen.out.Load())
	}
	for i := range s.meters {
		m := &s.meters[i]
		st.Commands += m.commands.Load()
		st.In += m.in.Load()
		st.Out += m.out.Load()
	}
	return st
}

// ResetStats sets the figures that count from the beginning to zero, as CONFIG RESETSTAT does.
func (s *Server) ResetStats() {
	s.accepted.Store(0)
	s.rejected.Store(0)
	s.overOutput.Store(0)
	s.overQuery.Store(0)
	for i := range s.meters {
		m := &s.meters[i]
		m.commands.Store(0)
		m.in.Store(0)
		m.out.Store(0)
	}
}
