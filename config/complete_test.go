package config

import (
	"strings"
	"testing"
	"time"
)

func TestParse_ChoosesTheProbe(t *testing.T) {
	f := func(listener, extra, pool, want string) {
		t.Helper()
		text := "server:\n  listeners:\n    - { address: ':1', " + listener + " }\n" + extra + "pools:\n  app: { command: [\"true\"], " + pool + " }\n"
		if got := parse(t, text).Pools["app"].HealthCheck.Type; got != want {
			t.Errorf("%s %s %s: got %s, want %s", listener, extra, pool, got, want)
		}
	}
	const tcp, http = "protocol: tcp, pool: app", "pool: app"
	f(http, "", "", "http")
	f(tcp, "", "", "tcp")
	f(tcp, "", "healthCheck: { type: http }", "http")
	f(tcp, "", "healthCheck: { endpoint: /health }", "http")
	f(tcp, "", "healthCheck: { interval: 1s }", "tcp")
	f(http, "", "healthCheck: { type: tcp }", "tcp")
	f(tcp, "    - { address: ':2', pool: app }\n", "", "http")
	f(tcp, "routes: [ { pool: app } ]\n", "", "http")
	f("name: x", "", "", "http") // not used at all
}

func TestParse_FindsPoolsThatNobodyAsks(t *testing.T) {
	f := func(more, jobs string, background, mustListen bool) {
		t.Helper()
		text := minimal + "  jobs: { command: [\"true\"], " + jobs + " }\n" + more
		if p := parse(t, text).Pools["jobs"]; p.Background != background || p.MustListen() != mustListen {
			t.Errorf("%s %s: background %v, must listen %v", more, jobs, p.Background, p.MustListen())
		}
	}
	const notify = "processManagement: { ready: notify }"
	f("", "", true, true) // its health check is http
	f("", notify, true, false)
	f("", notify+", healthCheck: { type: http }", true, true)
	f("", notify+", healthCheck: { interval: 1s }", true, true)
	f("", notify+", healthCheck: { type: tcp }", true, true)
	f("", notify+", healthCheck: { type: ipc }", true, false)
	f("", "healthCheck: { type: exec, command: [\"true\"] }", true, false)
	f("", "healthCheck: { enabled: false }", true, false)
	f("routes: [ { pool: jobs } ]\n", notify, false, true)
	f("cache: { warm: [ { pool: jobs, path: / } ] }\n", notify, false, true)
	f("  other: { command: [\"true\"], fallback: { pool: jobs } }\n", notify, false, true)
	if p := parse(t, minimal+"    processManagement: { ready: notify }\n").Pools["app"]; p.Background || !p.HealthCheck.Enabled || !p.MustListen() {
		t.Error("the pool of a listener is not asked for anything")
	}
	if p := parse(t, minimal+"  far: { upstreams: [ { address: 'a:1' } ] }\n").Pools["far"]; p.Background {
		t.Error("addresses are said to be workers")
	}
}

func TestParse_FitsDefaultsToWhatIsWritten(t *testing.T) {
	p := parse(t, minimal+`    healthCheck: { interval: 500ms }
    retry: { backoff: { initial: 1s } }
    outlier: { ejectFor: 10m }
    processManagement: { restartDelay: 1m }
`).Pools["app"]
	if p.HealthCheck.Timeout.Std() != 500*time.Millisecond || p.Retry.Backoff.Max != second ||
		p.Outlier.MaxEjectFor != 10*minute || p.ProcessManagement.MaxRestartDelay != minute {
		t.Errorf("got %+v", p)
	}
}

func TestParse_FillsInNames(t *testing.T) {
	c := parse(t, strings.Replace(minimal, "pools:", "routes: [ { match: { path: /v1 }, stripPrefix: /v1/, pool: app } ]\nadmin: { socket: 'unix:/tmp/a.sock' }\npools:", 1))
	if c.Server.Listeners[0].Name != ":8080" || c.Routes[0].StripPrefix != "/v1" || c.Admin.Socket != "/tmp/a.sock" {
		t.Errorf("got %+v", c)
	}
}

func TestDefault_IsWhatTheInterfaceSays(t *testing.T) {
	p := DefaultPool()
	if p.HealthCheck.Interval.String() != "5s" || p.Workers != Auto || !p.ProcessManagement.Respawn || p.Retry.Budget != 20 {
		t.Errorf("got %+v", p)
	}
	p.Retry.On[0] = "changed"
	if DefaultPool().Retry.On[0] != "connect-failure" {
		t.Error("two pools share a default")
	}
}

func TestConfig_SplitsAddresses(t *testing.T) {
	f := func(address, network, rest string) {
		t.Helper()
		n, r := Listener{Address: address}.NetworkAddress()
		n2, r2 := Upstream{Address: address}.NetworkAddress()
		if n != network || r != rest || n2 != n || r2 != r {
			t.Errorf("%s: got %s %s", address, n, r)
		}
	}
	f(":8080", "tcp", ":8080")
	f("unix:/run/a.sock", "unix", "/run/a.sock")
}
