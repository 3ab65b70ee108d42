package supervisor

import (
	"fmt"
	"strings"
	"time"
)

// search looks for the listener of a starting worker, often at first and then
// every 50 ms, until it is found or somebody else's is there. For a worker that
// need not listen it goes on, at last seldom.
type search struct {
	places  []address
	must    bool // it is of no use if it does not listen
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

func newSearch(places []address, must bool) *search {
	return &search{places: places, must: must, timer: time.NewTimer(lookFirst), wait: lookFirst, dear: 10}
}

// over reports whether there is nothing to look for any more.
func (s *search) over() bool { return s.found != nil || s.stolen }

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
	case s.must && now.Sub(s.foreign) >= stolenAfter:
		s.stolen = true
		return true
	}
	longest := lookLongest
	if !s.must {
		longest = lookSeldom
	}
	s.wait = min(2*s.wait, longest)
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
