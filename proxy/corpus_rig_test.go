package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/pool"
)

// relayed is what became of bytes that a client sent on one connection.
type relayed struct {
	answered []byte
	sent     []string // what came on each connection to the upstream
}

// corpusRig is a server with a recorder behind it, on Unix sockets, so that
// thousands of connections a second leave nothing behind.
type corpusRig struct {
	*rig
	front    string
	listener *listener
	up       *recorder
	round    int
}

// corpusDir makes a folder for sockets, whose paths are short; open to all, since
// nginx's worker is another user.
func corpusDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newCorpusRig(t testing.TB) *corpusRig {
	t.Helper()
	dir := corpusDir(t)
	front := filepath.Join(dir, "front")
	up := record(t, "unix", filepath.Join(dir, "up"), false)
	r := newRig(t, func(c *config.Config) {
		noRetry(c)
		c.Server.Listeners[0].Address = "unix:" + front
		c.Pools["app"].Outlier.Enabled, c.Pools["app"].CircuitBreaker.Enabled = false, false
		c.Logging.AccessLog.Enabled = false
	})
	return &corpusRig{rig: r, front: front, listener: r.server.listeners[listenerKey(r.cfg.Server.Listeners[0])], up: up}
}

// through sends raw on one connection.
func (r *corpusRig) through(t testing.TB, raw string) relayed {
	t.Helper()
	return r.recorded(t, func() []byte { return exchangeRaw(t, "unix", r.front, raw) })
}

// recorded lets a client ask and get its answers until its connection has ended.
// The upstream is taken out of the pool afterwards, so that nothing is left to
// come on its connections: what was sent is all there is.
func (r *corpusRig) recorded(t testing.TB, client func() []byte) relayed {
	t.Helper()
	r.round++
	up, err := r.pools["app"].Add(pool.Spec{ID: "app-1." + itoa(r.round), Label: "app-1", Network: "unix",
		Address: r.up.ln.Addr().String(), Weight: 1, Spawned: true, Slot: 1, Generation: r.round, State: pool.Healthy})
	if err != nil {
		t.Fatal(err)
	}
	answered := client()
	eventually(t, "the lease to be given back", func() bool { return up.InFlight() == 0 }, nil)
	r.pools["app"].Remove(up.ID)
	return relayed{answered, r.up.take(t)}
}

// belonging reads the answers to the requests that arrived and those behind them,
// and says which is not the answer to its request.
func (r *relayed) belonging(arrived []meaning) (back answers, fault string) {
	methods := make([]string, len(arrived))
	for i := range arrived {
		methods[i] = arrived[i].method
	}
	back = readAnswers(r.answered, methods)
	if back.fault != nil {
		return back, fmt.Sprintf("what came back is no answer: %v in %q", back.fault, r.answered)
	}
	for i, echo := range back.echoes {
		if echo == "" {
			continue // drover's own
		}
		if i >= len(arrived) {
			return back, fmt.Sprintf("answer %d is to no request: %q", i, r.answered)
		}
		words := arrived[i].words()
		if early := earlyStatus(arrived[i].target); early != 0 {
			words = inWords(arrived[i].method, arrived[i].target, arrived[i].host, "")
		}
		if echo != digest(words) || methods[i] != "HEAD" && back.bodies[i] != words {
			return back, fmt.Sprintf("answer %d is %q, not one to %q", i, back.bodies[i], words)
		}
	}
	return back, ""
}

// What a proxy may do otherwise with a sample.
const (
	asHere    = ""          // refused (be it with another status), or arrived as the same
	refused   = "refused"   // and drover takes it
	taken     = "taken"     // and drover refuses it
	otherwise = "otherwise" // both take it, and it does not arrive as the same
	broken    = "broken"    // what arrives is malformed to net/http
	either    = "either"    // taken or refused, as the bytes come
)

// difference is what other proxies do otherwise with some samples, and why.
type difference struct {
	nginx, haproxy string
	why            string
	samples        []string
}

// outcome says what became of a sample, in a word and in detail.
func (r *relayed) outcome(s *sample) (what, detail string) {
	arrived, _ := s.expected()
	var got []meaning
	for _, raw := range r.sent {
		seen := byGo(raw)
		if seen.fault != "" {
			return broken, seen.fault
		}
		got = append(got, seen.requests...)
	}
	words := (&stream{requests: got}).words()
	back, _ := r.belonging(got)
	detail = fmt.Sprintf("%.300q, answered %v", words, back.statuses)
	switch {
	case slices.Equal(words, arrived):
		return asHere, detail
	case len(got) == 0:
		return refused, detail
	case s.status != 0:
		return taken, detail
	}
	return otherwise, detail
}

// throughCorpus sends each sample, and a request behind it, through a proxy. What
// is to become of it is in a column of peersDiffer, as everywhere if that is nil.
func throughCorpus(t *testing.T, through func(testing.TB, string) relayed, column func(difference) string, more func(*testing.T, *sample, *relayed)) {
	t.Helper()
	wants := map[string]string{}
	for _, d := range peersDiffer {
		for _, name := range d.samples {
			if column != nil {
				wants[name] = column(d)
			}
		}
	}
	for i := range corpus {
		s := &corpus[i]
		t.Run(s.name, func(t *testing.T) {
			r := through(t, s.raw+nextRaw)
			got, detail := r.outcome(s)
			if want := wants[s.name]; got != want && (want != either || got != asHere && got != taken) {
				t.Errorf("%.300q: %q, not %q: %s", s.raw, got, want, detail)
			}
			if more != nil {
				more(t, s, &r)
			}
		})
	}
}

// The upstream gets exactly what the client sent, or nothing, and strict parsers
// agree that it did; answers come in order.
func TestCorpus_OneRequestIsOneRequest(t *testing.T) {
	j := judges{newLLHTTP(t)}
	throughCorpus(t, newCorpusRig(t).through, nil, func(t *testing.T, s *sample, r *relayed) {
		// What is wrong with a head is found before any of it is sent; what is
		// wrong in a body ends a request that has begun.
		if s.status != 0 && !strings.HasPrefix(s.raw, postC) && len(r.sent) > 0 {
			t.Errorf("%.300q: %.500q was sent", s.raw, r.sent)
		}
		streams, _, differ := j.read(t, r.sent)
		if differ != "" {
			t.Error(differ)
		}
		var arrived []meaning
		for _, seen := range streams {
			if seen.open && s.status == 0 {
				t.Errorf("%.500q breaks off", r.sent)
			}
			arrived = append(arrived, seen.requests...)
		}
		back, fault := r.belonging(arrived)
		if _, want := s.expected(); fault != "" || !slices.Equal(back.statuses, want) {
			t.Errorf("%.300q: answered %v, not %v %s", s.raw, back.statuses, want, fault)
		}
	})
}

func TestCorpus_NamesAreOfOneSample(t *testing.T) {
	names, differing := map[string]bool{}, map[string]bool{}
	for _, s := range corpus {
		if names[s.name] {
			t.Errorf("two samples are called %q", s.name)
		}
		names[s.name] = true
	}
	for _, d := range peersDiffer {
		for _, name := range d.samples {
			if !names[name] || differing[name] {
				t.Errorf("%q is no sample, or twice among what differs", name)
			}
			differing[name] = true
		}
	}
}

// Where Node.js is said to be there, the second parser must not be left out.
func TestCorpus_IsReadByTwoParsers(t *testing.T) { workertest.Need(t, "node") }
