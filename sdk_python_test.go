package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// The Python SDK in workers under drover: with threads and with asyncio, with the channel inherited
// and behind a program that does not pass it on.

// pythons is a drover whose workers are Python programs that do what requests over the channel say.
type pythons struct{ *instance }

// eachPython runs a test with each kind of worker; behind: also behind another program.
func eachPython(t *testing.T, behind bool, test func(t *testing.T, command []string)) {
	t.Parallel()
	kinds := map[string][]string{"threads": {"threaded.py"}, "asyncio": {"aio.py"}}
	if behind {
		kinds["threads behind"] = []string{"behind.py", "threaded.py"}
		kinds["asyncio behind"] = []string{"behind.py", "aio.py"}
	}
	for name, command := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, command)
		})
	}
}

// pythonSDK returns where the package is.
func pythonSDK(t *testing.T) string {
	t.Helper()
	sdk, err := filepath.Abs(filepath.Join("sdk", "python"))
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

// runPython starts drover with three workers of a test program.
func runPython(t *testing.T, command []string, more string) pythons {
	t.Helper()
	return runPythonFile(t, append([]string{app(t, "python-sdk", command[0])}, command[1:]...), more)
}

func runPythonFile(t *testing.T, command []string, more string) pythons {
	t.Helper()
	python := workertest.Python(t) // itself: the script of a version manager would need all of that in a sandbox
	if out, err := exec.Command(python, "-c", "import cryptography").CombinedOutput(); err != nil {
		t.Fatalf("python3 needs the package cryptography (Debian: python3-cryptography): %v\n%s", err, out)
	}
	asJSON, err := json.Marshal(append([]string{python}, command...))
	if err != nil {
		t.Fatal(err)
	}
	d := pythons{newInstance(t)}
	d.run(fmt.Sprintf(`
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
pools:
  app:
    command: %s
    workers: 3
    env: { PYTHONPATH: %q, PYTHONDONTWRITEBYTECODE: "1", PYTHONWARNINGS: error, DIR: "${DIR}", RECORD: "${DIR}/record" }
    healthCheck: { type: ipc, interval: 1s, timeout: 1s }
    processManagement: { ready: notify, restartDelay: 50ms }
%s`, asJSON, pythonSDK(t), more))
	d.waitRunning(3)
	return d
}

// ask sends a request to a worker through the admin API and decodes what it answers.
func (d pythons) ask(worker, kind string, data, into any) {
	d.t.Helper()
	status, body := d.tryAsk(worker, kind, data)
	var answer struct{ Data json.RawMessage }
	if status != http.StatusOK || json.Unmarshal([]byte(body), &answer) != nil {
		d.t.Fatalf("ask %s for %s: %d %s", worker, kind, status, body)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		d.t.Fatalf("ask %s for %s: %v in %s", worker, kind, err, answer.Data)
	}
}

func (d pythons) tryAsk(worker, kind string, data any) (status int, body string) {
	d.t.Helper()
	raw, err := json.Marshal(map[string]any{"worker": worker, "type": kind, "data": data, "timeoutMs": patience.Milliseconds()})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.post("/api/v1/ipc/request", string(raw))
}

// call has a worker call a method of its client and compares what came of it, JSON.
func (d pythons) call(worker, method, args, more, want string) {
	d.t.Helper()
	var got json.RawMessage
	d.ask(worker, "do", map[string]any{"call": method, "args": json.RawMessage(args), "more": json.RawMessage(more)}, &got)
	if string(got) != want {
		d.t.Errorf("%s: %s(%s, %s) gave %s, want %s", worker, method, args, more, got, want)
	}
}

// seen returns what a worker has seen: type, data and sender of each message.
func (d pythons) seen(worker string) (list [][3]any) {
	d.t.Helper()
	d.ask(worker, "seen", nil, &list)
	return list
}

func (d pythons) sees(worker string, want ...string) {
	d.t.Helper()
	d.eventually(worker+" sees "+strings.Join(want, ", "), func() error {
		got := make([]string, 0, len(want))
		for _, s := range d.seen(worker) {
			got = append(got, fmt.Sprint(s[0], " ", s[1], " ", s[2]))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("it has seen %q", got)
		}
		return nil
	})
}

func TestPython_Messages(t *testing.T) {
	eachPython(t, true, func(t *testing.T, command []string) {
		d := runPython(t, command, "")
		d.call("app-1", "broadcast", `["note","all"]`, `{}`, `{"result":{"received":2,"sent":0,"failed":[]}}`)
		d.call("app-1", "send_to", `["app-2.1","note","one"]`, `{}`, `{"result":{"worker":"app-2.1","acknowledged":true}}`)
		d.call("app-1", "publish", `["orders.new",7]`, `{}`, `{"result":{"received":2,"sent":0,"failed":[]}}`)
		d.call("app-3", "send_to", `["app-9","note"]`, `{}`, `{"error":"no-target"}`)
		d.call("app-3", "send_to", `["app-1","other"]`, `{}`, `{"error":"no-handler"}`)
		d.call("app-3", "send_to_random", `["note"]`, `{"pool":"none"}`, `{"error":"forbidden"}`)
		d.call("app-3", "request", `["echo",{"é":[1,null]}]`, `{"worker":"app-1"}`, `{"result":{"é":[1,null]}}`)
		d.call("app-3", "request", `["other"]`, `{"worker":"app-1"}`, `{"error":"no-handler"}`)
		d.sees("app-1")
		d.sees("app-2", "note all app-1.1", "note one app-1.1", "orders.new 7 app-1.1")
		d.sees("app-3", "note all app-1.1", "orders.new 7 app-1.1")
	})
}

func TestPython_RequestsEnd(t *testing.T) {
	eachPython(t, false, func(t *testing.T, command []string) {
		d := runPython(t, command, "")
		d.call("app-1", "request", `["slow"]`, `{"worker":"app-2","timeout":1}`, `{"error":"timeout"}`)
		d.sees("app-2", "begun <nil> app-1.1", "cancelled <nil> app-1.1")
		if strings.HasSuffix(command[len(command)-1], "aio.py") {
			var got string
			d.ask("app-3", "give-up", "app-2", &got)
			if got != "cancelled" {
				t.Errorf("the requester got %s", got)
			}
			d.sees("app-2", "begun <nil> app-1.1", "cancelled <nil> app-1.1", "begun <nil> app-3.1", "cancelled <nil> app-3.1")
		}

		killed := make(chan struct{})
		go func() {
			defer close(killed)
			d.eventually("app-3 handles the request", func() error {
				if len(d.seen("app-3")) == 0 {
					return fmt.Errorf("not yet")
				}
				return nil
			})
			d.kill("app-3.1")
		}()
		d.call("app-1", "request", `["slow"]`, `{"worker":"app-3","timeout":60}`, `{"error":"worker-gone"}`)
		<-killed
	})
}

// Workers are killed while messages fly: what was acknowledged was handled, what was not is told of,
// and nothing is handled twice.
func TestPython_NoMessageIsLostInSilence(t *testing.T) {
	eachPython(t, false, func(t *testing.T, command []string) {
		d := runPython(t, command, "")
		const count = 3000
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			d.eventually("messages fly", func() error {
				if len(d.records()) < count/10 {
					return fmt.Errorf("%d", len(d.records()))
				}
				return nil
			})
			d.kill("app-2.1")
		}()
		var got struct {
			Acknowledged []int
			Failed       map[string]string
		}
		d.ask("app-1", "storm", map[string]any{"to": "app-2", "count": count}, &got)
		<-killed

		handled := map[int]bool{}
		for _, line := range d.records() {
			n, err := strconv.Atoi(line)
			if err != nil || handled[n] {
				t.Fatalf("%q was handled twice, or is no number", line)
			}
			handled[n] = true
		}
		if len(got.Acknowledged)+len(got.Failed) != count || len(got.Failed) == 0 {
			t.Errorf("of %d messages %d were acknowledged and %d failed", count, len(got.Acknowledged), len(got.Failed))
		}
		for _, n := range got.Acknowledged {
			if !handled[n] {
				t.Errorf("message %d was acknowledged and not handled", n)
			}
		}
		for n, code := range got.Failed {
			if code != "worker-gone" && code != "no-target" && code != "no-handler" {
				t.Errorf("message %s failed with %s", n, code)
			}
		}
	})
}

// records returns what the workers wrote down.
func (d pythons) records() []string {
	raw, err := os.ReadFile(filepath.Join(d.dir, "record"))
	if err != nil {
		return nil // not yet
	}
	return strings.Fields(string(raw))
}

func TestPython_HealthAndNumbers(t *testing.T) {
	eachPython(t, false, func(t *testing.T, command []string) {
		d := runPython(t, command, "")
		d.eventually("the checks show", func() error {
			_, body, err := d.api("GET", "/api/v1/workers", "")
			if err == nil && strings.Count(strings.Join(strings.Fields(body), ""), `"name":"disk","ok":true`) != 3 {
				err = fmt.Errorf("%s", body)
			}
			return err
		})
		d.eventually("the numbers show", func() error {
			_, body, err := d.api("GET", "/metrics", "")
			for _, want := range []string{`jobs_total{kind="mail",worker="app-2"} 3`, `job_seconds_bucket{worker="app-3",le="1"} 1`} {
				if err == nil && !strings.Contains(body, want) {
					err = fmt.Errorf("%s is missing", want)
				}
			}
			return err
		})
		if err := os.WriteFile(filepath.Join(d.dir, "full"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		d.eventually("a failed check makes workers unhealthy", func() error {
			if n := len(d.running()); n != 0 {
				return fmt.Errorf("%d are healthy", n)
			}
			return nil
		})
	})
}

func TestPython_Shutdown(t *testing.T) {
	eachPython(t, true, func(t *testing.T, command []string) {
		d := runPython(t, command, "")
		d.signal(syscall.SIGTERM)
		if status := d.wait(); status != 0 {
			t.Errorf("drover ended with %d", status)
		}
		for slot := 1; slot <= 3; slot++ {
			note, err := os.ReadFile(filepath.Join(d.dir, fmt.Sprintf("ended-app-%d.1", slot)))
			if err != nil || string(note) != "30" && string(note) != "None" { // None: the signal came first
				t.Errorf("the note of worker %d is %q, %v", slot, note, err)
			}
		}
	})
}

func TestPython_Encryption(t *testing.T) {
	eachPython(t, false, func(t *testing.T, command []string) {
		d := runPython(t, command, `ipc: { encryption: on, keyRotation: 1s, audit: { enabled: true, file: "${DIR}/audit", content: true } }`)
		for n := range 30 { // over several keys
			d.call("app-1", "request", fmt.Sprintf(`["echo","secret %d"]`, n), `{"worker":"app-2"}`, fmt.Sprintf(`{"result":"secret %d"}`, n))
			d.call("app-3", "broadcast", `["note","secret"]`, `{}`, `{"result":{"received":2,"sent":0,"failed":[]}}`)
			d.call("app-2", "publish", `["orders.new","secret"]`, `{}`, `{"result":{"received":2,"sent":0,"failed":[]}}`)
		}
		audit, err := os.ReadFile(filepath.Join(d.dir, "audit"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(audit)) {
			// What this test asks drover to send is drover's own, which it knows.
			if strings.Contains(line, "secret") && !strings.Contains(line, `"from":"drover"`) {
				t.Errorf("the audit log has %s", line)
			}
		}
		if !strings.Contains(string(audit), `"from":"app-2.1","to":"app-1.1","type":"orders.new"`) {
			t.Errorf("the audit log is %.1000s", audit)
		}
	})
}

// The programs of the README run as they stand there.
func TestPython_Readme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("sdk", "python", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(programs) != 4 {
		t.Fatalf("the README has %d programs", len(programs))
	}
	run := func(name string, number int, test func(t *testing.T, d pythons)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "program.py")
			if err := os.WriteFile(file, []byte(programs[number][1]), 0o600); err != nil {
				t.Fatal(err)
			}
			test(t, runPythonFile(t, []string{file}, "cache: { enabled: true }"))
		})
	}
	run("threads", 0, func(t *testing.T, d pythons) {
		d.answers("GET", "/", "", "3")
		d.answers("POST", "/pencil/2", "", "told 2 others")
		d.answers("GET", "/", "", "5")
		for slot := 1; slot <= 3; slot++ {
			var got map[string]any
			d.ask(fmt.Sprintf("app-%d", slot), "price.get", "pencil", &got)
			if want := map[string]any{"price": 2.0, "from": fmt.Sprintf("app-%d.1", slot)}; !maps.Equal(got, want) {
				t.Errorf("worker %d answered %v", slot, got)
			}
		}
	})
	run("asyncio", 1, func(t *testing.T, d pythons) { d.answers("GET", "/", "", "42") })
	t.Run("tests", func(t *testing.T) {
		t.Parallel()
		cmd := exec.Command("python3", "-W", "error", "-c", programs[3][1])
		cmd.Env = append(os.Environ(), "PYTHONPATH="+pythonSDK(t))
		if code, out, errors := runBounded(t, cmd); code != 0 || !strings.Contains(errors, "Ran 1 test") {
			t.Errorf("%d %s%s", code, out, errors)
		}
	})
}

func TestPython_Cache(t *testing.T) {
	eachPython(t, false, func(t *testing.T, command []string) {
		d := runPython(t, command, "cache: { enabled: true }")
		d.call("app-1", "cache.set", `["k",{"é":[1]}]`, `{"ttl":60,"tags":["t"]}`, `{"result":null}`)
		d.call("app-2", "cache.get", `["k"]`, `{}`, `{"result":{"é":[1]}}`)
		d.call("app-2", "cache.get_many", `[["k","l"]]`, `{}`, `{"result":{"k":{"é":[1]}}}`)
		d.call("app-3", "cache.add", `["k",1]`, `{}`, `{"result":false}`)
		d.call("app-3", "cache.increment", `["k"]`, `{}`, `{"error":"not-a-number"}`)
		d.call("app-3", "cache.invalidate_tag", `["t"]`, `{}`, `{"result":1}`)
		d.call("app-1", "cache.get", `["k","none"]`, `{}`, `{"result":"none"}`)
		d.call("app-1", "cache.increment", `["n",2]`, `{}`, `{"result":2}`)
		d.call("app-2", "cache.increment", `["n"]`, `{}`, `{"result":3}`)
		d.call("app-2", "cache.invalidate_prefix", `["n"]`, `{}`, `{"result":1}`)
		d.call("app-2", "cache.delete", `["n"]`, `{}`, `{"result":false}`)

		answers := make(chan string)
		for _, worker := range []string{"app-1", "app-2", "app-3", "app-1", "app-2", "app-3"} {
			go func() {
				_, body := d.tryAsk(worker, "compute", "value")
				answers <- body
			}()
		}
		first := <-answers
		for range 5 {
			if other := dataOf(t, <-answers); other != dataOf(t, first) || !strings.HasPrefix(other, `"app-`) {
				t.Errorf("one got %s, another %s", first, other)
			}
		}
		d.call("app-1", "cache.get", `["computed"]`, `{}`, `{"result":1}`)
	})
}

// A worker's near copies follow what others write.
func TestPython_NearCopies(t *testing.T) {
	eachPython(t, false, func(t *testing.T, command []string) {
		d := runPython(t, command, "cache: { enabled: true }")
		for n := range 20 {
			d.call("app-1", "near.set", fmt.Sprintf(`["k",%d]`, n), `{}`, `{"result":null}`)
			want := fmt.Sprintf(`{"result":%d}`, n)
			d.call("app-1", "near.get", `["k"]`, `{}`, want)
			d.eventually("app-2 has heard of it", func() error {
				var got json.RawMessage
				d.ask("app-2", "do", map[string]any{"call": "near.get", "args": []string{"k"}}, &got)
				if string(got) != want {
					return fmt.Errorf("it has %s", got)
				}
				return nil
			})
		}
	})
}

// dataOf returns the data in an answer of the admin API.
func dataOf(t *testing.T, body string) string {
	t.Helper()
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Errorf("%v in %s", err, body)
	}
	return string(answer.Data)
}
