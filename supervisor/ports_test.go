package supervisor

import (
	"net"
	"strconv"
	"sync"
	"testing"
)

func TestPorts_RangeAvoidsTheEphemeralOne(t *testing.T) {
	f := func(ephemeralLow, ephemeralHigh, wantLow, wantHigh int) {
		t.Helper()
		low, high := portRange(ephemeralLow, ephemeralHigh)
		if low != wantLow || high != wantHigh {
			t.Errorf("beside %d-%d: %d-%d, want %d-%d", ephemeralLow, ephemeralHigh, low, high, wantLow, wantHigh)
		}
	}
	f(32768, 60999, 20000, 31999)
	f(49152, 65535, 20000, 31999)
	f(25000, 60999, 20000, 24999)
	f(15000, 60999, 10000, 14999)
	f(1024, 60999, 61000, 65000)
	f(1024, 19999, 20000, 31999)
	f(1024, 65535, 20000, 31999)
	f(20500, 60999, 10000, 20499)
}

func TestPorts_NeverTheSameTwiceWhileInUse(t *testing.T) {
	a := newPortAllocator(30, 39)
	a.free = func(p int) bool { return p != 33 && p != 34 }
	seen := map[int]bool{}
	for range 8 {
		p, err := a.Take()
		if err != nil || p < 30 || p > 39 || p == 33 || p == 34 || seen[p] {
			t.Fatalf("got %d, %v after %v", p, err, seen)
		}
		seen[p] = true
	}
	if _, err := a.Take(); err == nil {
		t.Fatal("a ninth port of eight")
	}
	a.Release(35)
	a.Release(0)
	if p, err := a.Take(); p != 35 || err != nil {
		t.Errorf("after the release of 35: %d, %v", p, err)
	}
}

func TestPorts_SafeForManyPools(t *testing.T) {
	a := newPortAllocator(1, 400)
	a.free = func(int) bool { return true }
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]bool{}
	for range 8 {
		wg.Go(func() {
			for range 50 {
				p, err := a.Take()
				mu.Lock()
				if err != nil || seen[p] {
					t.Errorf("port %d twice, or %v", p, err)
				}
				seen[p] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestPorts_BindTestSeesListeners(t *testing.T) {
	// once opens a listener, and reports whether its port could be bound after it was closed.
	once := func(network, address string) bool {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Logf("%s %s: %v", network, address, err)
			return true
		}
		_, portText, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.Atoi(portText)
		if err != nil {
			t.Fatal(err)
		}
		if canBind(port) {
			t.Errorf("%s %s: listener not seen", network, l.Addr())
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return canBind(port)
	}
	f := func(network, address string) {
		t.Helper()
		for range 10 { // others take ports, too
			if once(network, address) {
				return
			}
		}
		t.Errorf("%s %s: still taken after close, whatever the port", network, address)
	}
	f("tcp4", "127.0.0.1:0")
	f("tcp6", "[::1]:0")
}

func TestPorts_TakenOnThisMachineIsSkipped(t *testing.T) {
	a := NewPortAllocator()
	p, err := a.Take()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !a.Foreign(p) {
		t.Error("the port is bound and not seen as foreign")
	}
	a.Release(p)
	a.next = p
	if q, err := a.Take(); q == p || err != nil {
		t.Errorf("Take gave %d, %v though it is in use", q, err)
	}
}
