package metrics

import (
	"strings"
	"testing"
	"time"
)

func TestIPC_LabelsAreClosedSets(t *testing.T) {
	m := New(BuildInfo{})
	m.IPCMessage("send", "ok")
	m.IPCMessage("send", "queue-full")
	m.IPCMessage("response", "my-own-code")
	m.IPCMessage("app-1.1", "ok")
	m.IPCRequest(70 * time.Microsecond)
	text := scrape(t, m, "")
	for _, line := range []string{
		`drover_ipc_messages_total{kind="send",result="ok"} 1`,
		`drover_ipc_messages_total{kind="send",result="queue-full"} 1`,
		`drover_ipc_messages_total{kind="response",result="OTHER"} 1`,
		`drover_ipc_messages_total{kind="OTHER",result="ok"} 1`,
		`drover_ipc_request_duration_seconds_bucket{le="5e-05"} 0`,
		`drover_ipc_request_duration_seconds_bucket{le="0.0001"} 1`,
		`drover_ipc_request_duration_seconds_count 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestWatch_ShowsTheCache(t *testing.T) {
	text := scrape(t, full(), "")
	for _, line := range []string{
		`drover_cache_bytes 100`, `drover_cache_entries 2`,
		`drover_cache_hits_total{namespace="users"} 3`, `drover_cache_misses_total{namespace="users"} 1`, `drover_cache_evictions_total{namespace="users"} 2`,
		`drover_cache_load_duration_seconds_sum{namespace="users"} 1.5`, `drover_cache_load_duration_seconds_count{namespace="users"} 4`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if text := scrape(t, New(BuildInfo{}), ""); strings.Contains(text, "drover_cache") {
		t.Error("there is no cache, and it is shown")
	}
}
