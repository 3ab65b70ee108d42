package main

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

func TestMetrics_PromtoolAccepts(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "promtool")
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	d.exercise()
	_, body, err := d.api("GET", "/metrics", "")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func TestMetrics_HaveTheDocumentedNames(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	d.exercise()
	samples := []string{
		`drover_requests_total{code="200",listener="web",method="GET",pool="app"} [1-9]`,
		`drover_requests_total{code="200",listener="web",method="POST",pool="app"} [1-9]`,
		`drover_requests_total{.*method="OTHER".*} [1-9]`,
		`drover_request_duration_seconds_bucket{.*le="`,
		`drover_request_bytes_total{.*} [1-9]`,
		`drover_response_bytes_total{.*} [1-9]`,
		`drover_open_connections{listener="web",protocol="http.*"} `,
		`drover_upstream_requests_total{code="200",pool="app",upstream="app-[12]"} [1-9]`,
		`drover_upstream_duration_seconds_`,
		`drover_upstream_in_flight{.*upstream="app-1"`,
		`drover_upstream_state{.*state="healthy".*} 1`,
		`drover_circuit_breaker_state{`,
		`drover_queue_length{pool="app"} 0`,
		`drover_healthcheck_total{pool="app",result="pass"} [1-9]`,
		`drover_healthcheck_duration_seconds_`,
		`drover_workers{pool="app",state="running"} 2`,
		`drover_worker_restarts_total{pool="app",reason="crash"} 0`,
		`drover_worker_cpu_seconds_total{`,
		`drover_worker_memory_bytes{.*kind="`,
		`drover_worker_memory_bytes{kind="shared",pool="app",worker="app-1"} [1-9]`,
		`drover_worker_open_files{`,
		`drover_worker_threads{pool="app",worker="app-1"} [1-9]`,
		`drover_worker_processes{pool="app",worker="app-1"} 1`,
		`drover_worker_context_switches_total{kind="voluntary",pool="app",worker="app-1"} [1-9]`,
		`drover_worker_io_bytes_total{direction="write",pool="app",worker="app-1"} `,
		`drover_worker_leak_bytes_per_second{pool="app",worker="app-1"} 0`,
		`drover_config_last_reload_successful 1`,
		`drover_events_total{kind="`,
		`drover_build_info{.*} 1`,
		`drover_host_memory_bytes{kind="`,
		`drover_host_disk_bytes{kind="available"} [1-9]`,
		`drover_host_network_bytes_total{direction="receive"} `,
	}
	var body string
	// Processes and the host are measured once a second, so some come a little later.
	d.eventually("all numbers are there", func() error {
		var err error
		if _, body, err = d.api("GET", "/metrics", ""); err != nil {
			return err
		}
		for _, sample := range samples {
			if !regexp.MustCompile(`(?m)^` + strings.ReplaceAll(strings.ReplaceAll(sample, "{", `\{`), "}", `\}`)).MatchString(body) {
				return fmt.Errorf("no line matches %s", sample)
			}
		}
		return nil
	})
	// Labels come from closed sets: no generation, no path, no client.
	for _, open := range []string{`"app-1\.1"`, `/echo`, `127\.0\.0\.1:\d+"`} {
		if found := regexp.MustCompile(open).FindString(body); found != "" {
			t.Errorf("/metrics has the label value %s", found)
		}
	}
	if code, _, stderr := d.cli("scale", "app", "0"); code != 0 {
		t.Fatalf("drover scale app 0 ended with %d: %s", code, stderr)
	}
	d.eventually("nobody runs, and the metrics say so", func() error {
		_, body, err := d.api("GET", "/metrics", "")
		if err == nil && !strings.Contains(body, `drover_workers{pool="app",state="running"} 0`) {
			err = errors.New(body)
		}
		return err
	})
	if _, stdout, _ := d.cli("status"); !strings.Contains(stdout, "0 of 0 ready") {
		t.Errorf("drover status says\n%s", stdout)
	}
}

// exercise sends what leaves traces in the metrics.
func (d *instance) exercise() {
	d.t.Helper()
	d.answers("GET", "/", "", "go-server")
	d.answers("POST", "/echo", "some body", "some body")
	d.request("BREW", "/", "")
	if code, stdout, stderr := d.cli("reload"); code != 0 {
		d.t.Errorf("drover reload ended with %d\n%s%s", code, stdout, stderr)
	}
}
