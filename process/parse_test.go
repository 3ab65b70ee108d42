package process

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const statLine = `4711 (a) b ((c) S 1 4711 4711 0 -1 4194560 1 2 3 4 50 7 8 9 20 0 3 0 123456789 1000 200 18446744073709551615 1 1 0 0`

func TestParseStat_TakesAnyName(t *testing.T) {
	p, err := parseStat([]byte(statLine))
	want := proc{pid: 4711, ppid: 1, pgrp: 4711, session: 4711, state: 'S', threads: 3, start: 123456789, cpu: 57}
	if err != nil || p != want {
		t.Errorf("%+v, %v; want %+v", p, err, want)
	}
	for _, bad := range []string{"", "x", "1 (a", "1 (a)", "a (b) S 1 2", ") (", "1 (a) S 1 2 3"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(statLine))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseStat(b)
		if err == nil && p.pid < 0 {
			t.Errorf("%+v", p)
		}
	})
}

func TestProc_IsGoneWhenNoThreadIsLeft(t *testing.T) {
	f := func(state byte, threads int, want bool) {
		t.Helper()
		if got := (proc{state: state, threads: threads}).gone(); got != want {
			t.Errorf("%c with %d threads: %v", state, threads, got)
		}
	}
	f('Z', 1, true)
	f('Z', 0, true)
	f('Z', 3, false) // the first thread has ended, the others run
	f('X', 1, true)
	f('S', 1, false)
	f('T', 1, false)
}

func TestOrder_ArrivesAsItWas(t *testing.T) {
	f := func(o order) {
		t.Helper()
		got, err := decodeOrder(o.encode())
		if err != nil || got.parent != o.parent || got.umask != o.umask || got.path != o.path || got.dir != o.dir || got.hold != o.hold ||
			!slices.Equal(got.argv, o.argv) || !slices.Equal(got.env, o.env) {
			t.Errorf("%+v became %+v, %v", o, got, err)
		}
	}
	f(order{parent: 1, umask: -1, path: "/bin/sh", argv: []string{"sh"}})
	f(order{parent: 99, umask: 0o22, path: "x", dir: "/y", hold: `{"OpenFiles":5}`, argv: []string{"", "a b\n", ""}, env: []string{"", "A=\n"}})
}

func FuzzDecodeOrder(f *testing.F) {
	f.Add(order{parent: 1, path: "/x", argv: []string{"a"}, env: []string{"B=c"}}.encode())
	f.Add([]byte("1\x000\x00-3\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := decodeOrder(b)
		if err != nil {
			return
		}
		if len(o.argv) == 0 {
			t.Error("no program")
		}
		again, err := decodeOrder(o.encode())
		if err != nil || !slices.Equal(o.argv, again.argv) || !slices.Equal(o.env, again.env) {
			t.Errorf("%+v, %+v, %v", o, again, err)
		}
	})
}

func TestNotice_ArrivesAsItWas(t *testing.T) {
	id := identity{pid: 4711, start: 1 << 50}
	sent := []notice{
		addNotice(id, mark{id: "app-1.1", notify: "/a\nb", port: "80", socket: ""}),
		memberNotice(id, identity{1, 2}),
		{verb: noticeRemove, root: id},
		{verb: noticeQuit},
	}
	var pipe strings.Builder
	for _, n := range sent {
		pipe.Write(n.encode())
	}
	text := pipe.String()
	r := bufio.NewReader(strings.NewReader(text))
	for _, want := range sent {
		if got, err := readNotice(r); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if _, err := readNotice(r); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := readNotice(bufio.NewReader(strings.NewReader(text[:20]))); !errors.Is(err, io.EOF) {
		t.Errorf("cut off: %v", err)
	}
	long := addNotice(id, mark{id: strings.Repeat("x", 1<<20), notify: "/n", port: strings.Repeat("9", 800), socket: strings.Repeat("s", 800)})
	if b := long.encode(); len(b) > 4096 {
		t.Errorf("%d bytes are more than a pipe takes at once", len(b))
	}
}

func TestExit_SaysHowItEnded(t *testing.T) {
	f := func(status syscall.WaitStatus, want string) {
		t.Helper()
		if got := exitOf(status, time.Now()).String(); got != want {
			t.Errorf("%#x: %s, want %s", status, got, want)
		}
	}
	f(0, "exit status 0")
	f(3<<8, "exit status 3")
	f(9, "signal: killed")
	f(11|0x80, "signal: segmentation fault") // with a core
}

func TestParseProcNet_FindsListeners(t *testing.T) {
	tcp := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0000000000000000 100 0 0 10 0
`
	got := parseProcTCP([]byte(tcp))
	if len(got) != 1 || got[0].inode != 12345 || got[0].address != netip.MustParseAddrPort("127.0.0.1:8080") {
		t.Errorf("tcp: %+v", got)
	}
	tcp6 := "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 77 1\n"
	got = parseProcTCP([]byte(tcp6))
	if len(got) != 1 || got[0].inode != 77 || got[0].address != netip.MustParseAddrPort("[::1]:80") {
		t.Errorf("tcp6: %+v", got)
	}
	sockets := `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 16163 /run/with a space.sock
0000000000000000: 00000003 00000000 00000000 0001 03   777 /run/connected.sock
0000000000000000: 00000002 00000000 00010000 0001 01    42 @abstract
0000000000000000: 00000002 00000000 00010000 0001 01    43
`
	got = parseProcUnix([]byte(sockets))
	if len(got) != 2 || got[0].inode != 16163 || got[0].path != "/run/with a space.sock" || got[1].inode != 42 {
		t.Errorf("unix: %+v", got)
	}
}

func FuzzParseProcNet(f *testing.F) {
	f.Add([]byte("   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 77 1\n"))
	f.Add([]byte("0000000000000000: 00000002 00000000 00010000 0001 01    42 @abstract\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseProcTCP(b)
		parseProcUnix(b)
	})
}
