package supervisor

import (
	"slices"
	"strings"
	"testing"
)

func TestEnviron_IsComputedFromScratch(t *testing.T) {
	inherited := []string{"PATH=/bin", "KEEP=inherited", "FILE=inherited", "PORT=8080", "HOST=0.0.0.0", "SOCKET=/run/x", "NOTIFY_SOCKET=/run/systemd/notify",
		"NODE_CHANNEL_FD=9", "NODE_CHANNEL_SERIALIZATION_MODE=advanced", "DROVER_ADMIN_TOKEN=secret", "DROVER_ADMIN=unix:/x", "OPS_TOKEN=secret", "OPS_TOKEN2=kept", "=odd", "bad"}
	file := []string{"FILE=file", "ENV=file", "EQ=a=b"}
	env := map[string]string{"ENV": "env", "DROVER_POOL": "mine", "EMPTY": ""}
	got := environ(inherited, []string{"OPS_TOKEN"}, file, env, nil, identity{
		ID: "app-3.7", Pool: "app", Slot: 3, Generation: 7, Port: 20003, Transport: "port", NotifySocket: "/n/1", Channel: true})
	want := []string{"DROVER_ADMIN=unix:/x", "DROVER_GENERATION=7", "DROVER_IPC_FD=3", "DROVER_POOL=app", "DROVER_SLOT=3", "DROVER_WORKER_ID=app-3.7", "EMPTY=", "ENV=env", "EQ=a=b",
		"FILE=file", "HOST=127.0.0.1", "KEEP=inherited", "NODE_CHANNEL_FD=3", "NODE_CHANNEL_SERIALIZATION_MODE=json", "NOTIFY_SOCKET=/n/1", "OPS_TOKEN2=kept",
		"PATH=/bin", "PORT=20003"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEnviron_EachTransportHasItsVariables(t *testing.T) {
	f := func(transport string, want ...string) {
		t.Helper()
		who := identity{ID: "a-1.1", Pool: "a", Slot: 1, Generation: 1, Transport: transport}
		if transport != "socket" {
			who.Port = 20001
		}
		if transport != "port" {
			who.Socket = "/run/a.sock"
		}
		var got []string
		for _, kv := range environ([]string{"PORT=1", "HOST=h", "SOCKET=s"}, nil, nil, nil, nil, who) {
			if !strings.HasPrefix(kv, "DROVER_") {
				got = append(got, kv)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", transport, got, want)
		}
	}
	f("port", "HOST=127.0.0.1", "PORT=20001")
	f("socket", "PORT=/run/a.sock", "SOCKET=/run/a.sock")
	f("auto", "HOST=127.0.0.1", "PORT=20001", "SOCKET=/run/a.sock")
}

func TestEnviron_CommandNamesAreReplaced(t *testing.T) {
	who := identity{Slot: 2, Port: 20001, Socket: "/s", Transport: "auto", Executable: "/bin/drover"}
	got := who.argv([]string{"${DROVER}", "sample-app", "--bind=0:${PORT}", "${SOCKET}${SLOT}", "${HOME}", "$PORT"})
	if want := []string{"/bin/drover", "sample-app", "--bind=0:20001", "/s2", "${HOME}", "$PORT"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	who = identity{Socket: "/s", Transport: "socket"}
	if got := who.argv([]string{"${PORT}"}); got[0] != "/s" {
		t.Errorf("with a socket PORT is %q", got[0])
	}
}
