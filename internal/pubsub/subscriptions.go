package pubsub

import (
	"maps"
	"slices"
)

// Subscriptions are what one subscriber has subscribed to. They are used by one goroutine at a time.
type Subscriptions struct {
	hub   *Hub
	who   Subscriber
	names [Kinds]map[string]struct{}
}

// NewSubscriptions returns those of a subscriber that has none yet.
func (h *Hub) NewSubscriptions(who Subscriber) *Subscriptions {
	return &Subscriptions{hub: h, who: who}
}

// Add subscribes to a channel, pattern or shard channel, if that is not so already. Messages published from then on are
// delivered, some perhaps before it returns.
func (s *Subscriptions) Add(k Kind, name string) {
	if _, ok := s.names[k][name]; ok {
		return
	}
	if s.names[k] == nil {
		s.names[k] = map[string]struct{}{}
	}
	s.names[k][s.hub.join(k, name, s.who)] = struct{}{}
}

// Remove ends a subscription, if it is there. Messages published from then on are not delivered; those of before may be
// on their way with an outlet.
func (s *Subscriptions) Remove(k Kind, name string) {
	if _, ok := s.names[k][name]; !ok {
		return
	}
	delete(s.names[k], name)
	if len(s.names[k]) == 0 {
		s.names[k] = nil
	}
	s.hub.leave(k, name, s.who)
}

// Len returns how many subscriptions of a kind there are.
func (s *Subscriptions) Len(k Kind) int { return len(s.names[k]) }

// Names returns the subscriptions of a kind in the order of their bytes.
func (s *Subscriptions) Names(k Kind) []string { return slices.Sorted(maps.Keys(s.names[k])) }

// Clear ends all subscriptions.
func (s *Subscriptions) Clear() {
	for k := range s.names {
		for name := range s.names[k] {
			s.hub.leave(Kind(k), name, s.who)
		}
		s.names[k] = nil
	}
}
