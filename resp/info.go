package resp

import (
	"net"
	"strconv"
)

// Info returns what INFO tells of the server in one of its sections.
func (s *Server) Info(section string) [][2]string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch section {
	case "server":
		return [][2]string{{"tcp_port", strconv.Itoa(s.port())}, {"event_loops", strconv.Itoa(s.loopCount())}}
	case "clients":
		st := s.Stats()
		return [][2]string{
			{"connected_clients", strconv.Itoa(st.Clients)},
			{"cluster_connections", "0"},
			{"maxclients", number(st.MaxClients)},
			{"client_recent_max_input_buffer", number(st.MaxInput)},
			{"client_recent_max_output_buffer", number(st.MaxOutput)},
			{"blocked_clients", strconv.Itoa(st.Blocked)},
			{"tracking_clients", strconv.Itoa(st.Tracking)},
			{"pubsub_clients", strconv.Itoa(st.PubSub)},
			{"clients_in_timeout_table", "0"},
		}
	case "stats":
		st := s.Stats()
		return [][2]string{
			{"total_connections_received", number(st.Accepted)},
			{"total_commands_processed", number(st.Commands)},
			{"total_net_input_bytes", number(st.In)},
			{"total_net_output_bytes", number(st.Out)},
			{"rejected_connections", number(st.Rejected)},
			{"client_query_buffer_limit_disconnections", number(st.OverQuery)},
			{"client_output_buffer_limit_disconnections", number(st.OverOutput)},
		}
	}
	return nil
}

// port is a TCP port that the server listens on, 0 if there is none.
func (s *Server) port() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	port := 0
	for ln := range s.mu.listeners {
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && (port == 0 || tcp.Port < port) {
			port = tcp.Port
		}
	}
	return port
}

func (s *Server) loopCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.loops)
}
