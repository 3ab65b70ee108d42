package main

import (
	"fmt"
	"strings"
	"testing"
)

// Workers answer what warms caches before they get requests, however they
// become ready; one that does not is not ready, and drover says why.
func TestCache_IsWarmedByWorkers(t *testing.T) {
	t.Parallel()
	_, serve := testWorker(t, "serve")
	_, notify := testWorker(t, "notify")
	d := newInstance(t).run(`
server: { listeners: [ { address: "${FRONT}", pool: probed } ] }
admin: { address: "${ADMIN}" }
pools:
  probed: { command: ` + serve + `, workers: 1 }
  telling: { command: ` + notify + `, workers: 1, processManagement: { ready: notify } }
  bare: { command: ` + serve + `, workers: 1, healthCheck: { enabled: false } }
  cold: { command: ` + notify + `, workers: 1, processManagement: { ready: notify, startTimeout: 2s, restartDelay: 10ms } }
cache:
  enabled: true
  warm:
    - { pool: probed, path: /pid }
    - { pool: probed, path: "/bytes?n=100000" }
    - { pool: telling, path: /pid }
    - { pool: bare, path: /pid }
    - { pool: cold, path: "/status?code=503" }
`)
	d.eventually("the workers that can be warmed are ready, and no other", func() error {
		ready := make(map[string]bool)
		for _, w := range d.running() {
			name, _, _ := strings.Cut(w.ID, "-")
			ready[name] = true
		}
		if len(ready) != 3 || ready["cold"] {
			return fmt.Errorf("ready are %v", ready)
		}
		return nil
	})
	d.eventually("drover says why", func() error {
		const want = "it did not answer with 2xx what cache.warm asks it for: GET /status?code=503: status 503, want 2xx"
		if _, out, _ := d.cli("events"); !strings.Contains(out, want) {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
	code, out, _ := d.cli("cache", "warm")
	if code != 1 || !strings.HasPrefix(out, "stored: 0\nrequests answered: 4\nnot used: pool cold: no worker of it is ready") {
		t.Errorf("drover cache warm: %d %s", code, out)
	}
	if code, out, stderr := d.cli("restart", "telling"); code != 0 {
		t.Errorf("drover restart: %d %s%s", code, out, stderr)
	}
}
