package admin

import (
	"net/http"
	"net/http/pprof"
	"net/url"
	"runtime"
	"slices"
	"strconv"
)

const (
	// profilePath is where `go tool pprof` looks.
	profilePath = "/debug/pprof/"
	// maxProfile is for how many seconds one request may measure.
	maxProfile = 300
	// blockRate is the time blocked, in nanoseconds, of which one event is kept:
	// all waits that matter, and no price that shows.
	blockRate = 10_000
	// mutexFraction keeps one in so many waits for a mutex.
	mutexFraction = 10
)

// profile is one that can be taken of drover itself. The command line is none of
// them: it may hold secrets.
type profile struct {
	name, about string
	seconds     int           // it is measured for, where the request does not say; 0: it shows what is
	measure     func(on bool) // where the runtime does not measure it by itself, since it costs
	handle      http.HandlerFunc
}

var profiles = []profile{
	{"profile", "CPU time, measured for ?seconds= (30)", 30, nil, pprof.Profile},
	{"heap", "memory in use; ?gc=1 collects garbage first", 0, nil, pprof.Handler("heap").ServeHTTP},
	{"allocs", "memory allocated since drover was started", 0, nil, pprof.Handler("allocs").ServeHTTP},
	{"goroutine", "stacks of all goroutines; ?debug=2 for people", 0, nil, pprof.Handler("goroutine").ServeHTTP},
	{"block", "where goroutines wait, measured for ?seconds= (30)", 30, measureBlocking, pprof.Handler("block").ServeHTTP},
	{"mutex", "who holds mutexes that others wait for, measured for ?seconds= (30)", 30, measureMutexes, pprof.Handler("mutex").ServeHTTP},
	{"threadcreate", "what made new threads of the system", 0, nil, pprof.Handler("threadcreate").ServeHTTP},
	{"trace", "execution trace of ?seconds= (1), for go tool trace", 1, nil, pprof.Trace},
}

func measureBlocking(on bool) {
	if on {
		runtime.SetBlockProfileRate(blockRate)
	} else {
		runtime.SetBlockProfileRate(0)
	}
}

func measureMutexes(on bool) {
	if on {
		runtime.SetMutexProfileFraction(mutexFraction)
	} else {
		runtime.SetMutexProfileFraction(0)
	}
}

// profiles lists the profiles, for a browser as a page.
func (s *Server) profiles(w http.ResponseWriter, r *http.Request) error {
	if err := s.profilerOn(); err != nil {
		return err
	}
	var list []Endpoint
	for _, p := range profiles {
		list = append(list, Endpoint{Method: http.MethodGet, Path: profilePath + p.name, Role: viewer.String(), About: p.about})
	}
	return listEndpoints(w, r, list)
}

// profile takes one profile of drover itself.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) error {
	if err := s.profilerOn(); err != nil {
		return err
	}
	name := r.PathValue("name")
	i := slices.IndexFunc(profiles, func(p profile) bool { return p.name == name })
	if i < 0 {
		return NotFound("there is no profile %s; GET %s lists them", quoted(name), profilePath)
	}
	p, query := profiles[i], r.URL.Query()
	seconds, err := p.duration(query)
	if err != nil {
		return err
	}
	if seconds == 0 {
		p.handle(w, r)
		return nil
	}
	query.Set("seconds", strconv.Itoa(seconds))
	r.URL.RawQuery = query.Encode()
	return s.measure(w, r, p)
}

func (s *Server) profilerOn() error {
	if !s.policy.Load().profiler {
		return NotFound("the profiler is off; set admin.profiler: true in the settings and reload them")
	}
	return nil
}

// duration returns the seconds to measure for, 0 for a profile of what is now.
func (p profile) duration(query url.Values) (int, error) {
	seconds := p.seconds
	if text := query.Get("seconds"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxProfile {
			return 0, badRequest("seconds: %s is not a whole number from 1 to %d", quoted(text), maxProfile)
		}
		seconds = n
	}
	if debug := query.Get("debug"); seconds > 0 && debug != "" && debug != "0" {
		return 0, badRequest("debug: there is no text form of what is measured over a time; leave out debug, or seconds")
	}
	return seconds, nil
}

// measure takes a profile over the time that the request names. There is one of
// a kind at a time: the runtime has but one, and the end of one would end the other.
func (s *Server) measure(w http.ResponseWriter, r *http.Request, p profile) error {
	if _, busy := s.measuring.LoadOrStore(p.name, true); busy {
		return Conflict("another profile of this kind, %s, is being measured; try again when it has ended", p.name)
	}
	defer s.measuring.Delete(p.name)
	if p.measure != nil {
		p.measure(true)
		defer p.measure(false)
	}
	p.handle(w, r)
	return nil
}
