package ipc

import (
	"bytes"
	"testing"
)

func TestNotify_FindsReadyAmongAssignments(t *testing.T) {
	f := func(datagram string, want bool) {
		t.Helper()
		if got := saysReady([]byte(datagram)); got != want {
			t.Errorf("saysReady(%q) = %v", datagram, got)
		}
	}
	f("READY=1", true)
	f("READY=1\n", true)
	f("STATUS=loading\nREADY=1\nMAINPID=7", true)
	f("READY=1\r\n", true)
	f("", false)
	f("READY=0", false)
	f("READY=10", false)
	f("XREADY=1", false)
	f("STATUS=READY=1", false)
	f("STATUS=nearly there", false)
}

func FuzzNotify(f *testing.F) {
	f.Add([]byte("STATUS=x\nREADY=1"))
	f.Add([]byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if saysReady(datagram) && !bytes.Contains(datagram, []byte("READY=1")) {
			t.Fatalf("%q says ready without READY=1", datagram)
		}
		if joined := append(bytes.Clone(datagram), "\nREADY=1"...); !saysReady(joined) {
			t.Fatalf("READY=1 after %q was missed", datagram)
		}
	})
}
