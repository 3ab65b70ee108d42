package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/event"
)

// asked runs a command line and checks what it asked of the running drover.
func (d *drover) asked(t *testing.T, address, stdin string, args []string, code int, call, says string) {
	t.Helper()
	r := runWith(stdin, append(args, "--admin", address))
	if r.code != code || strings.TrimSpace(r.out+r.errors) != says {
		t.Errorf("drover %q: status %d, want %d; says\n%s%s\nwant\n%s", args, r.code, code, r.out, r.errors, says)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.calls, []string{call}) {
		t.Errorf("drover %q: calls %q, want %q", args, d.calls, call)
	}
	d.calls = nil
}

func TestIPC_SendsWhatIsGiven(t *testing.T) {
	d := &drover{result: admin.Broadcasted{Received: 2}}
	address := d.start(t, event.NewBus(1))
	f := func(stdin string, call, says string, args ...string) {
		t.Helper()
		d.asked(t, address, stdin, append([]string{"ipc"}, args...), ExitDone, call, says)
	}
	f("", "broadcast * a.b null", "received by 2 workers", "broadcast", "a.b")
	f("", `broadcast app a.b {"c":[1,2]}`, "received by 2 workers", "broadcast", "--pool", "app", "a.b", `{"c": [1, 2]}`)
	f("[\n1,\n2 ]\n", "broadcast * a [1,2]", "received by 2 workers", "broadcast", "a", "-")
	d.result = admin.Broadcasted{Received: 1, Sent: 3}
	f("", "broadcast * a null", "received by 1 worker; sent to 3 more, which do not acknowledge", "broadcast", "a")
	d.result = admin.Broadcasted{Sent: 3}
	f("", "broadcast * a null", "sent to 3 workers, none of which acknowledges", "broadcast", "a")
	d.result = admin.Broadcasted{}
	f("", "broadcast * a null", "received by 0 workers", "broadcast", "a")
	f("", `send app-2 a "x"`, "received by app-2.7", "send", "--worker", "app-2", "a", `"x"`)
	f("", `send app-2 bare null`, "sent to app-2.7, which does not acknowledge", "send", "--worker", "app-2", "bare")
	f("", `send appleast-busy a null`, "received by app-2.7", "send", "--pool", "app", "--pick", "least-busy", "a")
	f("", `request app-2.7 a 42 0s`, `{"price":[3,"a b"]}`, "request", "--worker", "app-2.7", "a", "42")
	f("true", `request app a true 1m30s`, `{"price":[3,"a b"]}`, "request", "--pool", "app", "--timeout", "90s", "a", "-")
}

func TestIPC_PrintsJSON(t *testing.T) {
	d := &drover{result: admin.Broadcasted{Received: 1, Failed: []admin.Undelivered{{Worker: "app-2.7", Code: "queue-full", Message: "1000 frames wait"}}}}
	address := d.start(t, event.NewBus(1))
	f := func(name string, code int, args ...string) {
		t.Helper()
		r := run(append(args, "--admin", address))
		if r.code != code || r.errors != "" {
			t.Errorf("drover %q: status %d, %s", args, r.code, r.errors)
		}
		golden(t, name, r.out)
	}
	f("ipc-broadcast.txt", ExitFailed, "ipc", "broadcast", "a")
	f("ipc-broadcast-json.txt", ExitFailed, "ipc", "broadcast", "a", "--json")
	f("ipc-send-json.txt", ExitDone, "ipc", "send", "--worker", "app-2", "a", "--json")
	f("ipc-request-json.txt", ExitDone, "ipc", "request", "--worker", "app-2", "a", "--json")
	f("cache-get-json.txt", ExitDone, "cache", "get", "users", "7", "--json")
	f("cache-purge-json.txt", ExitDone, "cache", "purge", "users", "7", "--json")
	f("cache-warm-json.txt", ExitDone, "cache", "warm", "--json")
}

func TestIPC_RefusalsHaveTheirStatus(t *testing.T) {
	d := &drover{}
	address := d.start(t, event.NewBus(1))
	f := func(code, message string, status int) {
		t.Helper()
		d.refuse = admin.MessageError(code, message)
		d.asked(t, address, "", []string{"ipc", "request", "--worker", "app-2", "a"}, status, "request app-2 a null 0s", "drover: "+message)
	}
	f("no-target", "there is no worker app-2", ExitFailed)
	f("queue-full", "1000 frames wait for worker app-2.7", ExitRefused)
	f("too-large", "2000000 bytes are more than ipc.maxMessageBytes, 1048576", ExitRefused)
	f("handler-error", "no such sku", ExitFailed)
	f("timeout", "worker app-2.7 did not answer within 5s", ExitFailed)
}

func TestCache_OperatesTheRunningDrover(t *testing.T) {
	d := &drover{warmed: admin.Warmed{Stored: 120, Requests: 1}}
	address := d.start(t, event.NewBus(1))
	f := func(code int, call, says string, args ...string) {
		t.Helper()
		d.asked(t, address, "", append([]string{"cache"}, args...), code, call, says)
	}
	f(0, "entry a/b k&c=d e", `{"name":"Ada"}`, "get", "a/b", "k&c=d e")
	f(0, "purge users 7   false", "removed: 3", "purge", "users", "7")
	f(0, "purge users  team:1  false", "removed: 3", "purge", "users", "--tag", "team:1")
	f(0, "purge users   session: false", "removed: 3", "purge", "users", "--prefix", "session:")
	f(0, "purge users    true", "removed: 3", "purge", "users", "--all")
	f(0, "purge     true", "removed: 3", "purge", "--all")
	f(0, "warm false", "stored: 120\nrequests answered: 1", "warm")
	d.warmed.Problems = []string{"warm.json:3: there is no value"}
	f(1, "warm true", "stored: 120\nrequests answered: 1\nnot used: warm.json:3: there is no value", "warm", "--replace")
	d.refuse = admin.Conflict("there is no shared cache; set cache.enabled: true in the settings and start drover anew")
	f(3, "warm false", "drover: there is no shared cache; set cache.enabled: true in the settings and start drover anew", "warm")
}
