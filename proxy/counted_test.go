package proxy

import (
	"slices"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// counter adds up what a metric counts with all of these labels (name and value
// in turn); of a histogram, how often something was observed.
func (r *rig) counter(name string, labels ...string) (sum float64) {
	r.t.Helper()
	families, err := r.metrics.Registry().Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			for want := range slices.Chunk(labels, 2) {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == want[0] && l.GetValue() == want[1]
				}
				if !found {
					continue metrics
				}
			}
			switch {
			case m.GetCounter() != nil:
				sum += m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				sum += m.GetGauge().GetValue()
			case m.GetHistogram() != nil:
				sum += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// counts checks a metric after all requests are over.
func (r *rig) counts(want float64, name string, labels ...string) {
	r.t.Helper()
	r.eventually(name+" to be right", func() bool { return r.counter(name, labels...) == want }, func() string {
		families, _ := r.metrics.Registry().Gather()
		for _, f := range families {
			if f.GetName() == name {
				return "want " + itoa(int(want)) + "\n" + f.String()
			}
		}
		return "there is none"
	})
}

func TestCounted_Sticky(t *testing.T) {
	r, _ := stickyRig(t, nil)
	_, pair, label := r.first()
	for range 3 {
		r.ask(bringing(pair))
	}
	r.pools["app"].SetDrained(label+".1", true)
	for range 2 {
		r.ask(bringing(pair))
	}
	r.ask(bringing("drover=forged"))
	r.counts(2, "drover_sticky_requests_total", "pool", "app", "result", "new")
	r.counts(3, "drover_sticky_requests_total", "pool", "app", "result", "kept")
	r.counts(2, "drover_sticky_requests_total", "pool", "app", "result", "moved")
}

func TestCounted_Fallback(t *testing.T) {
	spare := answering(t, plain("spare"))
	app := answering(t, plain("app"))
	r := newRig(t, spared(spare.addr), app.addr)
	r.ask(get)
	r.counts(0, "drover_fallbacks_total")
	drain(r)
	r.ask(get)
	r.ask(get)
	r.counts(2, "drover_fallbacks_total", "pool", "app", "reason", "no-upstream")
	r.counts(1, "drover_requests_total", "listener", "web", "pool", "app", "method", "GET", "code", "200")
	r.counts(2, "drover_requests_total", "listener", "web", "pool", "spare", "method", "GET", "code", "200")
	r.counts(2, "drover_upstream_requests_total", "pool", "spare", "upstream", "spare", "code", "200")
	r.counts(0, "drover_rejected_total")

	r = newRig(t, func(c *config.Config) { c.Pools["app"].Fallback = config.Fallback{Status: 200, Body: "x"} })
	r.ask(get)
	r.counts(1, "drover_fallbacks_total", "pool", "app", "reason", "no-upstream")
}

func TestCounted_Retries(t *testing.T) {
	good := answering(t, plain("good"))
	f := func(bad, raw, reason string) {
		t.Helper()
		r := newRig(t, func(c *config.Config) { c.Pools["app"].Outlier.Enabled = false }, bad, good.addr)
		asked := 0.0
		for ; asked < 2 || r.counter("drover_retries_total") == 0; asked++ {
			if got := r.ask(raw); got.body != "good" {
				t.Fatalf("%+v", got)
			}
		}
		retries := r.counter("drover_retries_total", "pool", "app", "reason", reason)
		r.counts(retries, "drover_retries_total")
		r.counts(retries, "drover_upstream_requests_total", "upstream", bad, "code", "OTHER")
		r.counts(asked, "drover_upstream_requests_total", "upstream", good.addr, "code", "200")
		r.counts(asked, "drover_requests_total")
	}
	f(closedAddress(t), get, "refused")
	f(closedAddress(t), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", "refused")
	f(crashing(t).addr, get, "reset-before-response")
}

// What is held while the workers are replaced is seen in the queue's metrics.
func TestCounted_RequestsThatWaitForAWorker(t *testing.T) {
	up := answering(t, plain("ready"))
	r, c := firstWorker(t, up)
	c.reply("GET")
	r.counts(1, "drover_queue_wait_seconds", "pool", "app")
	r.ask(get) // does not wait
	r.counts(1, "drover_queue_wait_seconds", "pool", "app")
}

func TestCounted_Rejections(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Server.Listeners[0].Pool = ""
		c.Routes = []config.Route{{Match: config.Match{Path: "/app"}, Pool: "app"}}
		c.Server.Limits.Connections, c.Server.Limits.ConnectionsPerIP = 3, 2
		c.Server.Limits.BodyBytes = 10
	})
	f := func(reason, pool, code, raw string) {
		t.Helper()
		c := r.dial()
		c.send(raw)
		c.reply("GET")
		c.close()
		r.counts(1, "drover_rejected_total", "reason", reason)
		r.counts(1, "drover_requests_total", "listener", "web", "pool", pool, "code", code)
		r.counts(0, "drover_open_connections")
	}
	f("no-route", "", "404", get)
	f("no-upstream", "app", "503", "GET /app HTTP/1.1\r\nHost: h\r\n\r\n")
	f("bad-request", "", "400", "GET / HTTP/1.1\r\n\r\n")
	f("too-large", "", "413", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n")
	for range 2 {
		r.dial()
	}
	r.counts(2, "drover_open_connections", "listener", "web", "protocol", "http")
	if got := r.ask(get); got.StatusCode != 503 {
		t.Errorf("%+v", got)
	}
	r.counts(1, "drover_rejected_total", "reason", "connections-per-ip")
}
