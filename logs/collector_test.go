package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

func TestCollector_LinesCarryTheirWorker(t *testing.T) {
	l, text := open(t, config.Logging{Level: "error"})
	c := NewCollector(l, nil)
	stdout, stderr, err := c.Open("app-1.1", "app")
	if err != nil {
		t.Fatal(err)
	}
	write(t, stdout, "hello\r\n{\"a\":1}\n\nno newline at the end")
	write(t, stderr, "bad\xff\n")
	c.Close()
	var got []string
	for _, m := range lines(t, text()) {
		if m["worker"] != "app-1.1" || m["pool"] != "app" || m["level"] != "info" {
			t.Errorf("%v, want worker, pool and level", m)
		}
		got = append(got, fmt.Sprint(m["stream"], " ", m["msg"]))
	}
	slices.Sort(got)
	want := []string{"stderr bad\ufffd", "stdout ", "stdout hello", "stdout no newline at the end", `stdout {"a":1}`}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCollector_LevelOfWorkersFilters(t *testing.T) {
	l, text := open(t, config.Logging{Levels: map[string]string{"worker": "warn"}})
	c := NewCollector(l, nil)
	stdout, stderr, err := c.Open("app-1.1", "app")
	if err != nil {
		t.Fatal(err)
	}
	write(t, stdout, "hello\n")
	write(t, stderr, "")
	c.Close()
	if got := text(); got != "" {
		t.Errorf("%q, want nothing", got)
	}
	if got := c.Last("app", 5); !slices.Equal(got, []string{"app-1.1: hello"}) {
		t.Errorf("last lines %q, want them nevertheless", got)
	}
}

func TestCollector_LastIsTheNewestOfAPool(t *testing.T) {
	l, _ := open(t, config.Logging{})
	c := NewCollector(l, nil)
	stdout, stderr, err := c.Open("app-1.1", "app")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 250 {
		fmt.Fprintf(&text, "line %d\x1b\n", i)
	}
	write(t, stdout, text.String())
	write(t, stderr, "")
	c.Close()
	if got := c.Last("app", 2); !slices.Equal(got, []string{`app-1.1: line 248\x1b`, `app-1.1: line 249\x1b`}) {
		t.Errorf("last two lines: %q", got)
	}
	if got := c.Last("app", 1000); len(got) != recentLines || got[0] != `app-1.1: line 150\x1b` {
		t.Errorf("%d lines from %q, want %d", len(got), got[0], recentLines)
	}
	if got := c.Last("other", 2); got != nil {
		t.Errorf("lines of a pool without any: %q", got)
	}
}

func TestPipe_CutsLongLines(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(w, text) // the reader's result tells
			_ = w.Close()
		}()
		var got []string
		(&pipe{r: r}).lines(func(line []byte, cut bool) {
			s := string(line)
			if cut {
				s = fmt.Sprintf("cut %d", len(line))
			}
			got = append(got, s)
		})
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes: %.80q, want %q", len(text), got, want)
		}
	}
	x := strings.Repeat("x", maxLine)
	f("")
	f("\n\n", "", "")
	f("a\nb", "a", "b")
	f(x[1:]+"\nb\n", x[1:], "b")
	f(x+"\nb\n", "cut 65536", "b")
	f(x+x+x+"yy\nb\n", "cut 65536", "b")
	f(x+x+"\n"+x+x, "cut 65536", "cut 65536")
}

func TestCollector_FloodTakesBoundedMemoryAndIsAnnounced(t *testing.T) {
	s := &stuck{release: make(chan struct{})}
	l, _ := open(t, config.Logging{})
	l.out.sinks.Store(&[]sink{s})
	bus := event.NewBus(100)
	c := NewCollector(l, bus)
	stdout, stderr, err := c.Open("app-1.1", "app")
	if err != nil {
		t.Fatal(err)
	}
	write(t, stderr, "")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	block := bytes.Repeat([]byte(strings.Repeat("x", 999)+"\n"), 1000)
	for range 40 { // 40 MB that nobody takes away
		if _, err := stdout.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	c.done.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4*workerLimit {
		t.Errorf("memory grew by %d MB, want it bounded", grown>>20)
	}
	close(s.release)
	c.Close()
	lost := l.Dropped()["worker"]
	if lost < 10000 {
		t.Errorf("%d lines lost, want most of 40000", lost)
	}
	var told uint64
	for _, e := range bus.Recent() {
		if e.Kind == event.LogDropped && e.Subject == "app-1.1" {
			told += e.Attrs["lines"].(uint64)
		}
	}
	if told != lost {
		t.Errorf("%d lines announced, want %d", told, lost)
	}
}

// Who floods the log leaves room for the others.
func TestCollector_NobodyTakesAllOfTheQueue(t *testing.T) {
	s := &stuck{release: make(chan struct{})}
	l, _ := open(t, config.Logging{})
	l.out.sinks.Store(&[]sink{s})
	c := NewCollector(l, nil)
	flood := func(share *share) (bytes int) {
		before := l.worker.shards[0].size()
		line := []byte(strings.Repeat("x", 999))
		for range 2 * workerLimit / len(line) {
			c.write(&pipe{worker: "app-1.1", stream: "stdout", recent: newTail(1), share: share}, line, false)
		}
		return l.worker.shards[0].size() - before
	}
	quiet := func(name string) {
		t.Helper()
		p, share := &pipe{worker: name, stream: "stdout"}, new(share)
		for range 100 {
			if p.share = share; !c.write(p, []byte("a line"), false) {
				t.Fatalf("a line of %s is lost", name)
			}
		}
	}
	c.write(&pipe{worker: "app-1.1", share: new(share)}, nil, false) // with which the writer gets stuck
	for l.worker.shards[0].size() > 0 {
		runtime.Gosched()
	}
	if n := flood(new(share)); n < workerLimit/2-1000 || n > workerLimit/2+2000 {
		t.Errorf("one that floods has %d bytes", n)
	}
	quiet("app-2.1")
	if n := flood(new(share)); n < workerLimit/5 || n > workerLimit/3 {
		t.Errorf("the second that floods has %d bytes", n)
	}
	quiet("app-3.1")
	close(s.release)
	c.Close()
}

func (s *shard) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buf)
}

func TestCollector_ReleaseEndsAPipeThatOthersHoldOpen(t *testing.T) {
	l, _ := open(t, config.Logging{})
	c := NewCollector(l, nil)
	stdout, stderr, err := c.Open("app-1.1", "app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.WriteString("before\n"); err != nil {
		t.Fatal(err)
	}
	c.Release("app-1.1") // stdout and stderr stay open, as a daemon's would
	c.done.Wait()
	if got := c.Last("app", 5); !slices.Equal(got, []string{"app-1.1: before"}) {
		t.Errorf("lines %q, want what was written before", got)
	}
	if len(c.pipes) != 0 {
		t.Errorf("%d pipes are left", len(c.pipes))
	}
	for _, f := range []*os.File{stdout, stderr} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	c.Close()
	if _, _, err := c.Open("app-1.2", "app"); err == nil {
		t.Error("a closed collector opened pipes")
	}
}

func TestCollector_GivesWorkersBlockingDescriptors(t *testing.T) {
	l, _ := open(t, config.Logging{})
	c := NewCollector(l, nil)
	stdout, stderr, err := c.Open("app-1.1", "app")
	if err != nil {
		t.Fatal(err)
	}
	// A file that Go polls takes deadlines; one that blocks does not.
	if err := stdout.SetWriteDeadline(time.Now()); err == nil {
		t.Error("the worker's end does not block; programs would lose output with EAGAIN")
	}
	write(t, stdout, "")
	write(t, stderr, "")
	c.Close()
}

// write writes text and closes the file.
func write(t *testing.T, f *os.File, text string) {
	t.Helper()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
