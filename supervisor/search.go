package supervisor

import (
	"fmt"
	"strings"
	"time"
)

// search looks for the listener of a starting worker, often at first and then
// every 50 ms, until it is found or somebody else's is there.
type search struct {
	places  []address
	timer   *time.Timer
	wait    time.Duration
	looks   int
	dear    int       // at which look to see where else it listens
	foreign time.Time // since when somebody else listens

	found     *address
	stolen    bool
	elsewhere string
	err       error // of the last look
}

func newSearch(places []address) *search {
	return &search{places: places, timer: time.NewTimer(lookFirst), wait: lookFirst, dear: 10}
}

// look looks once, plans the next look, and reports whether there is news.
func (s *search) look(p proc) bool {
	s.looks++
	taken := false
	for _, place := range s.places {
		listening, owned, err := p.OwnsListener(place.network, place.at)
		s.err = err
		if err == nil && owned {
			s.found = &place
			return true
		}
		taken = taken || err == nil && listening
	}
	now := time.Now()
	switch {
	case !taken:
		s.foreign = time.Time{}
	case s.foreign.IsZero():
		s.foreign = now
	case now.Sub(s.foreign) >= stolenAfter:
		s.stolen = true
		return true
	}
	s.wait = min(2*s.wait, lookLongest)
	s.timer.Reset(s.wait)
	if s.looks < s.dear {
		return false
	}
	s.dear *= 2 // it reads every socket of the machine
	before := s.elsewhere
	s.elsewhere = ""
	if places := p.Listeners(); len(places) > 0 {
		s.elsewhere = "it listens on " + strings.Join(places, ", ")
	}
	if s.err != nil {
		s.elsewhere = fmt.Sprintf("looking for it failed: %v", s.err)
	}
	return s.elsewhere != before
}

// tell copies what was found into the facts.
func (s *search) tell(f *facts) {
	if s.found != nil {
		f.found, f.address = true, *s.found
	}
	f.stolen, f.elsewhere = s.stolen, s.elsewhere
}
