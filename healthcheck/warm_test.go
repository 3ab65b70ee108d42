package healthcheck

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// kitchen is a worker that is asked to warm caches.
type kitchen struct {
	target Target
	mu     sync.Mutex
	cold   int // answers of /warm that fail yet
	asked  []string
}

func (k *kitchen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, r.URL.RequestURI()+" "+r.UserAgent())
	switch {
	case r.URL.Path == "/moved":
		http.Redirect(w, r, "/", http.StatusFound)
	case r.URL.Path == "/cut":
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half of it"))
	case r.URL.Path == "/warm" && k.cold > 0:
		k.cold--
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/made":
		w.WriteHeader(http.StatusCreated)
	}
}

// requests returns what it was asked for since the last call.
func (k *kitchen) requests() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	asked := k.asked
	k.asked = nil
	return asked
}

func newKitchen(t *testing.T, network string) *kitchen {
	t.Helper()
	k := new(kitchen)
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: k}}
	server.Start()
	t.Cleanup(server.Close)
	k.target = Target{ID: "p-1.1", Network: network, Address: l.Addr().String()}
	return k
}

func TestWarming_WantsEachAnswerToBeGood(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		k := newKitchen(t, network)
		f := func(want string, paths ...string) {
			t.Helper()
			err := NewWarming(paths...).Ask(t.Context(), k.target)
			if got := fmt.Sprint(err); !strings.HasPrefix(got, want) {
				t.Errorf("%s over %s: %s, want %s", paths, network, got, want)
			}
		}
		f("<nil>")
		f("<nil>", "/made", "/warm?all=1")
		if got := fmt.Sprint(k.requests()); got != "[/made drover-warm /warm?all=1 drover-warm]" {
			t.Errorf("it was asked for %s", got)
		}
		f("GET /moved: status 302, want 2xx", "/moved", "/never")
		f("GET /cut: read the body: unexpected EOF", "/warm", "/cut", "/never")
		k.cold = 1
		f("GET /warm: status 503, want 2xx", "/warm", "/never")
		if got := fmt.Sprint(k.requests()); strings.Contains(got, "/never") {
			t.Errorf("it was asked for %s", got)
		}
	}
	nobody := Target{Network: "unix", Address: filepath.Join(t.TempDir(), "nobody")}
	if err := NewWarming("/warm").Ask(t.Context(), nobody); err == nil || !strings.HasPrefix(err.Error(), "GET /warm: dial unix") {
		t.Errorf("nobody there: %v", err)
	}
}

// warmed runs a prober over one worker that is warmed with /first and /warm.
func warmed(t *testing.T, k *kitchen, change func(*config.Pool)) (*pool.Pool, *pool.Upstream) {
	t.Helper()
	cfg := &config.Pool{HealthCheck: config.HealthCheck{Enabled: true, Type: "http", Endpoint: "/health",
		Interval: config.Duration(20 * time.Millisecond), Timeout: config.Duration(5 * time.Second), MaxFailures: 3, MinSuccesses: 1}}
	cfg.ProcessManagement.StartTimeout = config.Duration(time.Minute)
	change(cfg)
	check, err := New(cfg, Env{})
	if err != nil {
		t.Fatal(err)
	}
	p := pool.New("p", cfg, nil)
	prober := NewProber(p, cfg, check, nil)
	prober.Warming = NewWarming("/first", "/warm")
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = prober.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	u, err := p.Add(pool.Spec{ID: k.target.ID, Network: k.target.Network, Address: k.target.Address, Weight: 1, Spawned: true, Slot: 1, Generation: 1, State: pool.Starting})
	if err != nil {
		t.Fatal(err)
	}
	return p, u
}

// until waits for what has to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come to be", what)
		}
	}
}

func (k *kitchen) isCold(t *testing.T) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cold > 0 {
		t.Error("the worker gets requests before it is warm")
	}
}

// count returns how often a request with that beginning came.
func count(asked []string, path string) int {
	n := 0
	for _, one := range asked {
		if strings.HasPrefix(one, path+" ") {
			n++
		}
	}
	return n
}

func TestProber_WarmsBeforeRequests(t *testing.T) {
	f := func(what string, probes bool, change func(*config.Pool)) {
		t.Helper()
		k := newKitchen(t, "unix")
		k.cold = 1 << 30
		_, u := warmed(t, k, change)
		if !probes {
			u.SayReady()
		}
		until(t, what+": the reason", func() bool {
			s := u.Probe()
			return s.Warming && s.LastError == "GET /warm: status 503, want 2xx"
		})
		until(t, what+": another try", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return 1<<30-k.cold >= 3 })
		if u.State() != pool.Starting {
			t.Errorf("%s: it is %s while it is cold", what, u.State())
		}
		k.mu.Lock()
		k.cold = 1
		k.mu.Unlock()
		until(t, what+": ready", func() bool { return u.State() == pool.Healthy })
		k.isCold(t)
		asked := k.requests()
		if n := count(asked, "/first"); n != 1 {
			t.Errorf("%s: /first was asked for %d times", what, n)
		}
		if (count(asked, "/health") > 0) != probes {
			t.Errorf("%s: %d probes", what, count(asked, "/health"))
		}
		if s := u.Probe(); s.Warming {
			t.Errorf("%s: %+v", what, s)
		}
	}
	f("probes", true, func(*config.Pool) {})
	f("own word", false, func(cfg *config.Pool) { cfg.ProcessManagement.Ready = "notify" })
	f("no probes", false, func(cfg *config.Pool) { cfg.HealthCheck.Enabled = false })
}

func TestProber_WarmsOnce(t *testing.T) {
	k := newKitchen(t, "tcp")
	_, u := warmed(t, k, func(*config.Pool) {})
	until(t, "ready", func() bool { return u.State() == pool.Healthy })
	until(t, "more probes", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return count(k.asked, "/health") > 5 })
	if asked := k.requests(); count(asked, "/warm") != 1 || count(asked, "/first") != 1 {
		t.Errorf("it was asked for %s", asked)
	}
}

// A worker that has not said that it is ready is not asked for anything.
func TestProber_WarmsNobodyTooEarly(t *testing.T) {
	k := newKitchen(t, "tcp")
	p, u := warmed(t, k, func(cfg *config.Pool) { cfg.ProcessManagement.Ready = "notify" })
	other := newKitchen(t, "tcp")
	if _, err := p.Add(pool.Spec{ID: "static", Network: "tcp", Address: other.target.Address, Weight: 1, State: pool.Starting}); err != nil {
		t.Fatal(err)
	}
	until(t, "the other is well", func() bool { return p.Get("static").State() == pool.Healthy })
	if asked := k.requests(); len(asked) != 0 || u.State() != pool.Starting {
		t.Errorf("it is %s and was asked for %s", u.State(), asked)
	}
	if asked := other.requests(); count(asked, "/warm") != 0 {
		t.Errorf("what drover has not started was asked for %s", asked)
	}
}
