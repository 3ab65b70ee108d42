package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// talking are settings with two workers that speak over the message channel.
func talking(t *testing.T, more string) string {
	t.Helper()
	_, worker := testWorker(t, "talk")
	return `
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: ` + worker + `
    workers: 2
    healthCheck: { type: ipc, interval: 500ms, timeout: 500ms, maxFailures: 1000 }
admin: { address: "${ADMIN}" }
` + more
}

func TestMessages_GoFromTheCommandLineToWorkers(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(talking(t, "ipc: { requestTimeout: 2s, maxMessageBytes: 2KB, types: [ echo, fail, never, \"a.*\", ignore, other ] }"))
	d.waitRunning(2)
	f := func(command string, code int, says string) {
		t.Helper()
		got, stdout, stderr := d.cli(strings.Fields(command)...)
		if got != code || strings.TrimSpace(stdout+stderr) != says {
			t.Errorf("drover %s: status %d, want %d; says\n%s%s\nwant\n%s", command, got, code, stdout, stderr, says)
		}
	}
	f(`ipc request --worker app-1 echo {"a":[1,"b"]}`, 0, `{"a":[1,"b"]}`)
	f(`ipc request --worker app-2.1 --json echo`, 0, "{\n  \"from\": \"app-2.1\",\n  \"data\": null\n}")
	f(`ipc request --pool app --pick least-busy echo 7`, 0, `7`)
	f(`ipc send --worker app-1 a.b`, 0, `received by app-1.1`)
	f(`ipc broadcast a.b`, 0, `received by 2 workers`)
	f(`ipc broadcast --pool app a.b`, 0, `received by 2 workers`)
	f(`ipc request --worker app-1 fail`, 1, `drover: no money`)
	f(`ipc request --worker app-1 other`, 1, `drover: nobody handles other`)
	f(`ipc request --worker app-1 --timeout 50ms never`, 1, `drover: worker app-1.1 did not answer within 50ms; it may still handle the request`)
	f(`ipc request --worker app-1 never`, 1, `drover: worker app-1.1 did not answer within 2s; it may still handle the request`)
	f(`ipc send --worker app-1 ignore`, 1, `drover: worker app-1.1 did not acknowledge it within 2s; it may still handle it`)
	f(`ipc send --worker app-9 echo`, 1, `drover: there is no worker "app-9" that takes messages`)
	f(`ipc send --worker app-1 unknown`, 3, `drover: ipc.types does not have unknown`)
	f(`ipc send --worker app-1 a.b "`+strings.Repeat("x", 2<<10)+`"`, 3, `drover: 2050 bytes are more than ipc.maxMessageBytes, 2048`)
	code, stdout, stderr := d.cli("ipc", "broadcast", "ignore")
	if code != 1 || !strings.HasPrefix(stdout, "received by 0 workers\n\nNOT RECEIVED BY  CODE     MESSAGE\napp-") || strings.Count(stdout, "  timeout  ") != 2 {
		t.Errorf("status %d, says %s%s", code, stdout, stderr)
	}

	// Three messages each, but for ignored ones; the counter goes on in the next generation.
	numbers := func(want string) func() error {
		return func() error {
			_, body, err := d.api("GET", "/metrics", "")
			if err == nil && !strings.Contains(body, want+"\n") {
				err = fmt.Errorf("no line %s in %s", want, grep(body, "talk_messages_total"))
			}
			return err
		}
	}
	d.eventually("the numbers of app-1", numbers(`talk_messages_total{worker="app-1"} 5`))
	d.eventually("the numbers of app-2", numbers(`talk_messages_total{worker="app-2"} 3`))
	if code, _, stderr := d.cli("restart", "app", "--wait"); code != 0 {
		t.Fatalf("restart: %d %s", code, stderr)
	}
	f(`ipc send --worker app-1 a.b`, 0, `received by app-1.2`)
	d.eventually("the counter goes on", numbers(`talk_messages_total{worker="app-1"} 6`))
	d.eventually("messages are counted", numbers(`drover_ipc_messages_total{kind="send",result="ok"} 2`))
}

func TestMessages_NumbersThatAreNotTakenAreToldOnce(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(talking(t, ""))
	frame := url.QueryEscape(`{"drover":"metrics","metrics":[{"name":"drover_x","type":"gauge","samples":[{"value":1}]},{"name":"x","type":"gauge","samples":[{"value":1}]}]}`)
	d.waitRunning(2)
	for range 10 {
		d.answers("GET", "/say?frame="+frame, "", "app-")
	}
	d.eventually("all are counted", func() error {
		_, body, err := d.api("GET", "/metrics", "")
		for _, line := range []string{`drover_worker_samples_refused_total{pool="app",reason="name"} 10`, `x{worker="app-1"} 1`, `x{worker="app-2"} 1`} {
			if err == nil && !strings.Contains(body, line+"\n") {
				err = fmt.Errorf("no line %s in\n%s", line, grep(body, "worker"))
			}
		}
		return err
	})
	for _, id := range []string{"app-1.1", "app-2.1"} {
		told := "metrics of worker " + id + ": drover_x: names that begin with drover_ are drover's own; more of this kind is only counted"
		if _, events, _ := d.cli("events"); strings.Count(events, told) != 1 {
			t.Errorf("%q is not told once in\n%s", told, events)
		}
	}
}

// grep returns the lines with a word.
func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func TestMessages_ChecksOfWorkersAreShown(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(talking(t, ""))
	d.waitRunning(2)
	if code, stdout, stderr := d.cli("workers"); code != 0 || strings.Count(stdout, "  db ok, disk ok\n") != 2 {
		t.Errorf("drover workers: %d\n%s%s", code, stdout, stderr)
	}
	if status, body := d.post("/api/v1/ipc/send", `{"worker":"app-2","type":"disk.full"}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	d.eventually("the check that fails is seen", func() error {
		var status struct {
			Checks map[string]struct{ Passing, Failing int }
			Pools  []struct {
				Checks map[string]struct{ Passing, Failing int }
			}
		}
		d.get("/api/v1/status", &status)
		if c := status.Checks; c["db"].Passing != 2 || c["disk"].Passing != 1 || c["disk"].Failing != 1 || status.Pools[0].Checks["disk"].Failing != 1 {
			return fmt.Errorf("got %+v", status)
		}
		return nil
	})
	var w map[string]any
	d.get("/api/v1/workers/app-2", &w)
	if got := fmt.Sprint(w["loopDelayMs"], w["checks"]); got != "0.25 [map[details:map[open:4] ms:1.5 name:db ok:true] map[message:full ms:0.5 name:disk ok:false]]" {
		t.Errorf("got %s", got)
	}
	if code, stdout, stderr := d.cli("workers"); code != 0 || strings.Count(stdout, "  db ok, disk ok\n") != 1 || strings.Count(stdout, "  db ok, disk FAIL: full\n") != 1 {
		t.Errorf("drover workers: %d\n%s%s", code, stdout, stderr)
	}
}

func TestMessages_WithoutACacheSaysHowToHaveOne(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(talking(t, ""))
	if code, _, stderr := d.cli("cache", "stats"); code != 3 || stderr != "drover: there is no shared cache; set cache.enabled: true in the settings and start drover anew\n" {
		t.Errorf("status %d, says %s", code, stderr)
	}
}
