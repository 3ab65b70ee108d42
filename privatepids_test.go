package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/internal/workertest"
)

// keptAs checks the level of a limit of every worker.
func (d *instance) keptAs(limit, level string) {
	d.t.Helper()
	for _, w := range d.reports() {
		if got := w.Limits[limit].Level; got != level {
			d.t.Errorf("%s of %s is kept at level %q, want %q", limit, w.ID, got, level)
		}
	}
}

// Messages, requests, topics, numbers, health, death and shutdown, with all isolation there is.
func TestPrivatePIDs_SDKInAStrictSandbox(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	workertest.Need(t, "npm")
	needModules(t, "bun")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, argv ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := strings.ReplaceAll(sdkSettings(t, "", argv...), "    transport: port\n", fmt.Sprintf(
				"    transport: port\n    security: { privatePids: true, sandbox: strict, readOnlyPaths: [%q], writablePaths: [\"${DIR}\"] }\n    env: { HOME: \"${DIR}\" }\n", here))
			d := newInstance(t).run(settings)
			d.waitRunning(4)
			d.keptAs("privatePids", "kernel")
			d.keptAs("sandbox", "kernel")
			d.says("app-1", `
				const numbers = process.getBuiltinModule('fs').readdirSync('/proc').filter((name) => /^\d+$/.test(name));
				return [numbers[0], numbers.length < 6, numbers.includes(String(process.pid))]`, `["1",true,true]`)
			d.sdkSpeaks()
			d.sdkShutsDown()
		})
	}
	f("node", "node", app(t, "sdk-node", "server.js"))
	f("bun", bun(t), app(t, "sdk-node", "server.js"))
	f("npm start", "npm", "start", "--silent", "--prefix", app(t, "sdk-node"))
}

func TestPrivatePIDs_PythonSDKInAStrictSandbox(t *testing.T) {
	workertest.Need(t, "root")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	eachPython(t, true, func(t *testing.T, command []string) {
		d := runPython(t, command, fmt.Sprintf("    security: { privatePids: true, sandbox: strict, readOnlyPaths: [%q], writablePaths: [\"${DIR}\"] }\n", here))
		d.keptAs("privatePids", "kernel")
		d.keptAs("sandbox", "kernel")
		d.call("app-1", "broadcast", `["note","all"]`, `{}`, `{"result":{"received":2,"sent":0,"failed":[]}}`)
		d.call("app-3", "request", `["echo",7]`, `{"worker":"app-1"}`, `{"result":7}`)
		d.sees("app-2", "note all app-1.1")
		d.signal(syscall.SIGTERM)
		if status := d.wait(); status != 0 {
			t.Errorf("drover ended with %d", status)
		}
		for slot := 1; slot <= 3; slot++ {
			if _, err := os.Stat(filepath.Join(d.dir, fmt.Sprintf("ended-app-%d.1", slot))); err != nil {
				t.Errorf("it did not end by itself: %v", err)
			}
		}
	})
}

func TestPrivatePIDs_NothingOutlivesDrover(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	d.run(`
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: [sh, -c, "(setsid env -i sleep 1000 &); exec \"$0\"", "${GO_SERVER}"]
    workers: 2
    security: { privatePids: true }
    resources: { maxMemoryPerWorker: 1GB }
monitoring: { sampleInterval: 100ms }
admin: { address: "${ADMIN}" }
`).waitRunning(2)
	d.keptAs("privatePids", "kernel")
	var groups []string
	d.eventually("the numbers are those of the worker and what it has started", func() error {
		groups = nil
		for _, w := range d.reports() {
			exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", w.PID))
			if err != nil {
				return err
			}
			groups = append(groups, fmt.Sprintf("%s %d", filepath.Base(exe), w.Processes))
			if w.MemoryBytes < 2<<20 {
				return fmt.Errorf("%s has %d bytes", w.ID, w.MemoryBytes)
			}
		}
		if want := strings.Repeat(filepath.Base(goServer(t))+" 2,", 2); strings.Join(groups, ",")+"," != want {
			return fmt.Errorf("%v, want %s", groups, want)
		}
		return nil
	})
	var sleepers []int
	for _, pid := range allProcesses() {
		for _, w := range d.reports() {
			if described := describe(pid); strings.Contains(described, " sleep 1000") && sameSpace(pid, w.PID) {
				sleepers = append(sleepers, pid)
			}
		}
	}
	if len(sleepers) != 2 {
		t.Fatalf("what has left its worker: %v", sleepers)
	}
	d.signal(syscall.SIGKILL)
	d.wait()
	d.eventually("all is gone", func() error {
		left := d.processes()
		for _, pid := range sleepers {
			if state, _, err := processStat(pid); err == nil && state != "Z" {
				left = append(left, pid)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("%v are left", left)
		}
		return nil
	})
}

func TestPrivatePIDs_DebuggerFindsTheWorker(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	workertest.Need(t, "node")
	d := newInstance(t)
	d.setenv("APP", app(t, "node-http", "server.js"))
	d.start("run", "--inspect", "-c", d.settings(`
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: [node, "${APP}"]
    workers: 1
    security: { privatePids: true }
admin: { address: "${ADMIN}" }
`)).waitReady()
	d.keptAs("privatePids", "kernel")
	d.listensOn("app", "unix:/")
	var w admin.Worker
	d.eventually("the inspector is found", func() error {
		if d.get("/api/v1/workers/app-1", &w); w.Inspector == "" {
			return fmt.Errorf("%+v", w)
		}
		return nil
	})
	answer, err := (&client{address: w.Inspector}).once("GET", "/json/list", "")
	if err != nil || !strings.Contains(string(answer.body), "server.js") {
		t.Errorf("the inspector answers %q, %v", answer.body, err)
	}
}

// sameSpace reports whether two processes have their numbers from one PID namespace.
func sameSpace(a, b int) bool {
	one, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", a))
	other, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", b))
	return err == nil && err2 == nil && one == other
}

// Whatever drover may not do here is told, with what holds in its place.
func TestLimits_AWeakerLevelIsShown(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "sh")
	wrapper := []string{"sh", "-c", `ulimit -n 500 && exec "$0" "$@"`}
	if os.Geteuid() == 0 {
		workertest.Need(t, "setpriv")
		wrapper = append([]string{"setpriv", "--bounding-set=-sys_admin,-sys_resource", "--inh-caps=-sys_admin,-sys_resource"}, wrapper...)
	}
	if out, err := exec.Command(wrapper[0], append(wrapper[1:], "true")...).CombinedOutput(); err != nil {
		workertest.Lack(t, fmt.Sprintf("a drover that may less: %v: %s", err, out))
	}
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	d.startBehind(wrapper, "run", "-c", d.settings(`
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: ["${GO_SERVER}"]
    workers: 1
    security: { privatePids: true }
    resources: { maxOpenFiles: 5000 }
admin: { address: "${ADMIN}" }
`)).waitReady()
	d.keptAs("privatePids", "none")
	d.keptAs("maxOpenFiles", "partial")
	d.keptAs("noNewPrivileges", "kernel")
	shows := func(command, words string) {
		t.Helper()
		if _, out, _ := d.cli(command); !strings.Contains(out, words) {
			t.Errorf("drover %s does not say %q:\n%s", command, words, out)
		}
	}
	shows("status", "note: pool app: privatePids: true is kept at level none: drover may not make PID namespaces")
	shows("status", "note: pool app: maxOpenFiles: 5000 is kept at level partial: drover itself may open 500,")
	shows("workers", "maxOpenFiles partial, privatePids none")
	shows("events", "pool app: privatePids: true is kept at level none")
	var w admin.Worker
	d.get("/api/v1/workers/app-1", &w)
	if value := w.Limits["maxOpenFiles"].Value; value != 5000.0 {
		t.Errorf("what was asked for is %v", value)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", w.PID))
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max open files 500 500") {
		t.Errorf("what holds is not that: %v\n%s", err, limits)
	}
}
