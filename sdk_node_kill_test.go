package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// While workers are killed under them, messages and requests end with an answer or an error each; none is
// handled twice, and none that was acknowledged is lost.
func TestSDKNode_KilledWhileMessagesFly(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := newInstance(t)
	record := filepath.Join(d.dir, "record")
	d.setenv("RECORD", record)
	command, err := json.Marshal([]string{"node", app(t, "sdk-node", "server.js")})
	if err != nil {
		t.Fatal(err)
	}
	d.run(`
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
pools:
  app:
    command: ` + string(command) + `
    transport: port
    workers: 3
    processManagement: { ready: notify, maxRestarts: 1000, restartDelay: 10ms, maxRestartDelay: 20ms }
`)
	d.waitRunning(3)

	said := make(chan string, 1)
	go func() {
		got, err := d.js("app-1", `
			const acknowledged = [], failed = {};
			let last = 0;
			const enough = () => state.enough && acknowledged.length >= 1000 && failed['worker-gone'] > 0;
			const one = async () => {
				const n = ++last;
				try {
					await (n % 2 ? drover.sendToRandom('record', n) : drover.request({}, 'record', n));
					acknowledged.push(n);
				} catch (err) {
					failed[err.code] = (failed[err.code] || 0) + 1;
					await new Promise((done) => setTimeout(done, 5));
				}
			};
			await Promise.all(Array.from({ length: 20 }, async () => { while (!enough()) await one(); }));
			return { acknowledged, failed, sent: last };`)
		if err != nil {
			got = err.Error()
		}
		said <- got
	}()
	begun, kills := time.Now(), 0
	var got string
	for got == "" {
		select {
		case got = <-said:
		case <-time.After(100 * time.Millisecond):
			for _, w := range d.running() {
				if w.Slot != 1 && w.Slot == 2+kills%2 {
					_ = syscall.Kill(w.PID, syscall.SIGKILL) // it may have ended at this moment
					kills++
					break
				}
			}
			if kills >= 5 && time.Since(begun) > 3*time.Second {
				d.says("app-1", `state.enough = true`, `null`)
			}
		}
	}
	d.checkRecord(record, got, kills)
}

func (d *instance) checkRecord(record, said string, kills int) {
	d.t.Helper()
	var result struct {
		Acknowledged []int          `json:"acknowledged"`
		Failed       map[string]int `json:"failed"`
		Sent         int            `json:"sent"`
	}
	if err := json.Unmarshal([]byte(said), &result); err != nil {
		d.t.Fatalf("app-1 said %.300s: %v", said, err)
	}
	raw, err := os.ReadFile(record)
	if err != nil {
		d.t.Fatal(err)
	}
	handled := make(map[int]int)
	for line := range strings.Lines(string(raw)) {
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			d.t.Fatalf("the record has %q", line)
		}
		if handled[n]++; handled[n] > 1 {
			d.t.Errorf("message %d was handled %d times", n, handled[n])
		}
	}
	for _, n := range result.Acknowledged {
		if handled[n] == 0 {
			d.t.Errorf("message %d was acknowledged and not handled", n)
		}
	}
	failed := 0
	for code, n := range result.Failed {
		failed += n
		if code != "worker-gone" && code != "no-target" {
			d.t.Errorf("%d messages failed with %s", n, code)
		}
	}
	if len(result.Acknowledged)+failed != result.Sent {
		d.t.Errorf("%d messages, %d acknowledged, %d failed", result.Sent, len(result.Acknowledged), failed)
	}
	d.t.Logf("%d kills; %d messages, %d acknowledged, failed %v", kills, result.Sent, len(result.Acknowledged), result.Failed)
	if kills < 5 || len(result.Acknowledged) < 1000 || result.Failed["worker-gone"] == 0 {
		d.t.Error("that is not what this test is about")
	}
}
