package supervisor

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestListeners_NamesThePortsOfAProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nobody connects
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if got := listenersOf([]int{os.Getpid()}); !strings.Contains(got, port) {
		t.Errorf("port %s is missing: %q", port, got)
	}
	if got := listenersOf([]int{1 << 30}); got != "" {
		t.Errorf("of nobody: %q", got)
	}
}

func TestListeners_ReadsTheKernelsTable(t *testing.T) {
	f := func(line string, wantPort int, wantInode string, wantOK bool) {
		t.Helper()
		if port, inode, ok := parseListener(line); port != wantPort || inode != wantInode || ok != wantOK {
			t.Errorf("%q: %d, %q, %v", line, port, inode, ok)
		}
	}
	f("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0", 8080, "4711", true)
	f("   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000", 0, "", false)
	f("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", 0, "", false)
	f("", 0, "", false)
}
