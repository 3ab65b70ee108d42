package proxy

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// stickyRig has three workers app-1 to app-3, which answer with their label.
func stickyRig(t *testing.T, edit func(*config.Config)) (*rig, map[string]*upstream) {
	r := newRig(t, func(c *config.Config) {
		c.Pools["app"].Sticky = config.Sticky{Cookie: "drover", TTL: config.Duration(time.Hour)}
		if edit != nil {
			edit(c)
		}
	})
	ups := map[string]*upstream{}
	for slot, label := range []string{"app-1", "app-2", "app-3"} {
		ups[label] = answering(t, plain(label))
		r.join(slot+1, 1, ups[label].addr)
	}
	return r, ups
}

func (r *rig) join(slot, generation int, addr string) {
	r.t.Helper()
	label := "app-" + itoa(slot)
	if _, err := r.pools["app"].Add(pool.Spec{ID: label + "." + itoa(generation), Label: label, Network: "tcp", Address: addr, Weight: 1,
		Spawned: true, Slot: slot, Generation: generation, State: pool.Healthy}); err != nil {
		r.t.Fatal(err)
	}
}

func bringing(cookies string) string {
	return "GET / HTTP/1.1\r\nHost: h\r\nCookie: " + cookies + "\r\n\r\n"
}

// first asks without a cookie and returns the one that it got, as name=value.
func (r *rig) first() (cookie *http.Cookie, pair, label string) {
	r.t.Helper()
	got := r.ask(get)
	if len(got.Cookies()) != 1 {
		r.t.Fatalf("%+v", got)
	}
	cookie = got.Cookies()[0]
	return cookie, cookie.Name + "=" + cookie.Value, got.body
}

func TestSticky_AClientStays(t *testing.T) {
	r, ups := stickyRig(t, nil)
	cookie, pair, label := r.first()
	if cookie.Name != "drover" || !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.MaxAge != 3600 || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
	for range 9 {
		if got := r.ask(bringing("a=1; " + pair + "; b=2")); got.body != label || len(got.Cookies()) != 0 {
			t.Fatalf("%+v, want %s", got, label)
		}
		if head := ups[label].last(); !strings.Contains(head, "\r\nCookie: a=1; b=2\r\n") {
			t.Fatalf("upstream got\n%s", head)
		}
	}
	r.idle()
}

func TestSticky_FallsOverAndComesBack(t *testing.T) {
	r, ups := stickyRig(t, nil)
	_, pair, label := r.first()
	id := label + ".1"
	f := func(what string, home bool) {
		t.Helper()
		for range 4 {
			if got := r.ask(bringing(pair)); got.StatusCode != 200 || (got.body == label) != home || len(got.Cookies()) != 0 {
				t.Errorf("%s: %+v", what, got)
			}
		}
	}
	p := r.pools["app"]
	p.SetHealth(id, false, nil)
	f("unhealthy", false)
	p.SetHealth(id, true, nil)
	f("healthy again", true)
	p.SetDrained(id, true)
	f("drained", false)
	p.SetDrained(id, false)
	f("resumed", true)
	slot := p.Get(id).Slot
	p.Remove(id)
	f("gone", false)
	r.join(slot, 2, ups[label].addr)
	f("the next generation", true)
	p.Remove(label + ".2")
	r.join(slot, 3, deadAddress(t))
	f("does not accept", false)
	r.idle()
}

func TestSticky_OnlyItsOwnValidCookieCounts(t *testing.T) {
	r, _ := stickyRig(t, nil)
	_, pair, label := r.first()
	f := func(what, cookies string) {
		t.Helper()
		seen := map[string]bool{}
		for range 6 {
			got := r.ask(bringing(cookies))
			if len(got.Cookies()) != 1 {
				t.Errorf("%s: %+v", what, got)
			}
			seen[got.body] = true
		}
		if len(seen) != 3 {
			t.Errorf("%s: answered by %v only", what, seen)
		}
	}
	key := func() ([]byte, error) { return []byte(strings.Repeat("k", 32)), nil }
	other := func(name, cookie string, key func() ([]byte, error)) string {
		s, err := newSticky(name, config.Sticky{Cookie: cookie, TTL: config.Duration(time.Hour)}, key)
		if err != nil {
			t.Fatal(err)
		}
		return "drover=" + string(s.appendTicket(nil, label, time.Now()))
	}
	f("empty", "drover=")
	f("a label", "drover="+label)
	f("cut", pair[:len(pair)-1])
	f("longer", pair+"A")
	f("changed", strings.Replace(pair, "drover="+pair[7:9], "drover=__", 1))
	f("another name", "Drover"+pair[6:])
	f("another key", other("app", "drover", key))
	f("another pool", other("web", "drover", r.server.o.StickyKey))
	f("another cookie", other("app", "d", r.server.o.StickyKey))
	s := r.server.listeners["tcp 127.0.0.1:0"].table.Load().own.sticky
	f("expired", "drover="+string(s.appendTicket(nil, label, time.Now().Add(-time.Hour-time.Second))))
	if got := r.ask(bringing("drover=x; " + pair)); got.body != label {
		t.Errorf("the valid one of two: %+v", got)
	}
	if got := r.ask(bringing("drover=" + string(s.appendTicket(nil, label, time.Now().Add(-40*time.Minute))))); got.body != label || len(got.Cookies()) != 1 {
		t.Errorf("after half of its time: %+v", got)
	}
}

func TestSticky_SecureWhenTheClientCameByHTTPS(t *testing.T) {
	f := func(trusted []string, proto string, want bool) {
		t.Helper()
		r, _ := stickyRig(t, func(c *config.Config) { c.Server.TrustedProxies = trusted })
		got := r.ask("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: " + proto + "\r\n\r\n")
		if len(got.Cookies()) != 1 || got.Cookies()[0].Secure != want {
			t.Errorf("%v, %s: %v", trusted, proto, got.Cookies())
		}
	}
	f([]string{"127.0.0.0/8"}, "https", true)
	f([]string{"127.0.0.0/8"}, "HTTPS, http", true)
	f([]string{"127.0.0.0/8"}, "http", false)
	f(nil, "https", false)
}

func TestSticky_LeavesOtherCookiesAsTheyAre(t *testing.T) {
	s := &sticky{cookie: "drover"}
	f := func(value, want string) {
		t.Helper()
		got := string(s.appendOthers(nil, &field{key: []byte("cookie"), value: []byte(value)}))
		if want != "" {
			want = "cookie: " + want + "\r\n"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	f("drover=x", "")
	f("drover=x;", "")
	f("drover=x; a=1", "a=1")
	f("a=1; drover=x", "a=1")
	f("a=1;drover=x;  b=\"2 3\" ;c", "a=1;  b=\"2 3\" ;c")
	f("drover=x; a=1; drover=y", "a=1")
	f("a=1;; b=2;", "a=1;; b=2;")
	f("adrover=1; drover2=x; Drover=3; a=drover=4; drover", "adrover=1; drover2=x; Drover=3; a=drover=4; drover")
}

// A restart of drover with the same key keeps clients where they are.
func TestSticky_OutlivesARestart(t *testing.T) {
	cfg := config.Sticky{Cookie: "c", TTL: config.Duration(time.Minute)}
	key := func() ([]byte, error) { return []byte(strings.Repeat("k", 32)), nil }
	synctest.Test(t, func(t *testing.T) {
		before, err := newSticky("app", cfg, key)
		if err != nil {
			t.Fatal(err)
		}
		ticket := before.appendTicket(nil, "app-3", time.Now())
		after, err := newSticky("app", cfg, key)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		if label, left, ok := after.read(ticket, time.Now()); !ok || string(label) != "app-3" || left != time.Second {
			t.Errorf("%s, %v, %v", label, left, ok)
		}
		time.Sleep(time.Second)
		if _, _, ok := after.read(ticket, time.Now()); ok {
			t.Error("it does not expire")
		}
	})
}

func TestSticky_NotByFallback(t *testing.T) {
	spare := answering(t, plain("spare"))
	r, _ := stickyRig(t, func(c *config.Config) {
		spared(spare.addr)(c)
		c.Pools["spare"].Sticky = c.Pools["app"].Sticky
	})
	_, pair, _ := r.first()
	drain(r)
	if got := r.ask(bringing(pair)); got.body != "spare" || len(got.Cookies()) != 0 || strings.Contains(spare.last(), "drover=") {
		t.Errorf("%+v\n%s", got, spare.last())
	}
}

// A slot that has been away for long is not waited for: its clients get another.
func TestSticky_RewritesWhatIsGoneForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config.DefaultPool()
		cfg.Upstreams = []config.Upstream{{Name: "a", Address: "a:1", Weight: 1}, {Name: "b", Address: "b:1", Weight: 1}}
		p := pool.New("app", cfg, nil)
		s, err := newSticky("app", config.Sticky{Cookie: "c", TTL: config.Duration(time.Hour)}, randomKey())
		if err != nil {
			t.Fatal(err)
		}
		k := &call{server: New(Options{}), m: &message{}, target: &target{name: "app", pool: p, sticky: s}}
		k.lease.Upstream = p.Get("a")
		f := func(label string, left time.Duration, rewritten bool) {
			t.Helper()
			k.stay = stay{[]byte(label), left}
			if got := k.appendCookie(nil, s); (len(got) > 0) != rewritten {
				t.Errorf("%s: %q", label, got)
			}
		}
		time.Sleep(time.Minute)
		f("a", 31*time.Minute, false)
		f("a", 29*time.Minute, true)
		f("b", time.Minute, false)
		p.Remove("b")
		time.Sleep(59 * time.Second)
		f("b", time.Minute, false)
		time.Sleep(time.Second)
		f("b", time.Minute, true)
	})
}
