package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// wallClock sets the time of day for one process alone. The machine's clock is
// nobody's to change, and Go programs ask the kernel's page for it, where no
// tracer stands between: so that question is led through a few instructions that
// add something to the answer.
type wallClock struct {
	t      *testing.T
	memory *os.File
	shift  int64 // address of the seconds that are added
}

// unused is a function of the runtime that nobody calls without GODEBUG; its
// place is where the instructions go.
const unused = "runtime.schedtrace"

func newWallClock(t *testing.T, pid int) *wallClock {
	t.Helper()
	path := fmt.Sprintf("/proc/%d/exe", pid)
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }() // only read
	symbols, err := program.Symbols()
	if err != nil || program.Type != elf.ET_EXEC {
		t.Fatalf("%s: %v, %v", path, program.Type, err)
	}
	find := func(name string) elf.Symbol {
		for _, s := range symbols {
			if s.Name == name {
				return s
			}
		}
		t.Fatalf("%s has no %s", path, name)
		return elf.Symbol{}
	}
	c := &wallClock{t: t}
	if c.memory, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.memory.Close() }) // every write was checked

	question := int64(find("runtime.vdsoClockgettimeSym").Value)
	var kernel [8]byte
	if _, err := c.memory.ReadAt(kernel[:], question); err != nil || kernel == [8]byte{} {
		t.Fatalf("this program does not ask the kernel's page: % x, %v", kernel, err)
	}
	code := []byte{
		0x57, 0x56, // push rdi, rsi: the clock, and where its time goes
		0x48, 0x83, 0xec, 0x08, // sub rsp, 8: aligned as a call needs it
		0x48, 0xb8, // mov rax, the kernel's answer
	}
	code = append(code, kernel[:]...)
	code = append(code,
		0xff, 0xd0, // call rax
		0x48, 0x83, 0xc4, 0x08, // add rsp, 8
		0x5e, 0x5f, // pop rsi, rdi
		0x85, 0xff, // test edi, edi
		0x75, 0x0a, // jnz: not CLOCK_REALTIME
		0x48, 0x8b, 0x0d, // mov rcx, [the shift]
	)
	place := find(unused)
	const most = 64
	if place.Size < most+8 {
		t.Fatalf("%s has %d bytes", unused, place.Size)
	}
	start := int64(place.Value)
	c.shift = (start + most) &^ 7
	code = binary.LittleEndian.AppendUint32(code, uint32(c.shift-start-int64(len(code))-4))
	code = append(code, 0x48, 0x01, 0x0e, 0xc3) // add [rsi], rcx; ret, to which jnz jumps
	c.write(start, code)
	c.set(0)
	c.write(question, binary.LittleEndian.AppendUint64(nil, uint64(start)))
	return c
}

// set makes the process's time of day the machine's and d.
func (c *wallClock) set(d time.Duration) {
	c.t.Helper()
	c.write(c.shift, binary.LittleEndian.AppendUint64(nil, uint64(int64(d/time.Second))))
}

func (c *wallClock) write(at int64, b []byte) {
	c.t.Helper()
	if _, err := c.memory.WriteAt(b, at); err != nil {
		c.t.Fatalf("write to the process: %v", err)
	}
}

// Nothing that drover measures follows the time of day.
func TestFault_ClockJumps(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(sampleSettings(2, "healthCheck: { interval: 500ms, maxFailures: 3 }", `
cache: { enabled: true, warm: [ { namespace: shop, key: a, value: 1, ttl: 10m } ] }
`))
	d.waitRunning(2)
	clock := newWallClock(t, d.cmd.Process.Pid)
	before := pidsOf(d.running())
	for n, jump := range []time.Duration{3 * time.Hour, -2 * time.Hour, 40 * 24 * time.Hour, 0} {
		l := startLoad(d, 50, homeKind())
		clock.set(jump)
		time.Sleep(1700 * time.Millisecond) // in which probes are due three times
		l.end().noFailure(t, "GET")
		path := fmt.Sprintf("/jump-%d", n)
		d.request("GET", path, "")
		if off := time.Until(d.logged(path).TS) - jump; off < -time.Minute || off > time.Minute {
			t.Fatalf("the clock was not set to %v: it is off by %v", jump, off)
		}
		if after := pidsOf(d.running()); len(after) != 2 || after[0] != before[0] || after[1] != before[1] {
			t.Errorf("after %v the workers were %v and are %v", jump, before, after)
		}
		var w struct{ UptimeSeconds float64 }
		if d.get("/api/v1/workers/app-1", &w); w.UptimeSeconds < 0 || w.UptimeSeconds > 600 {
			t.Errorf("after %v a worker's uptime is %v s", jump, w.UptimeSeconds)
		}
		var cache struct{ Entries int }
		if d.get("/api/v1/cache", &cache); cache.Entries != 1 {
			t.Errorf("after %v the cache has %d entries", jump, cache.Entries)
		}
	}
	// A worker that has just answered a request, and hangs when the clock is set back.
	victim := d.running()[0]
	d.eventually("the worker answers", func() error {
		if worker, _ := d.hello(); worker != victim.ID {
			return fmt.Errorf("%s did", worker)
		}
		return nil
	})
	if err := syscall.Kill(victim.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	clock.set(-2 * time.Hour)
	d.eventually("the worker that hangs is replaced", func() error {
		for _, w := range d.running() {
			if w.Slot == victim.Slot && w.Generation == 2 && w.LastReason == "probe-failed" {
				return nil
			}
		}
		return fmt.Errorf("workers %+v", d.workers())
	})
}
