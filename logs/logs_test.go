package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
)

// open returns logs that write to a file, and what reads it after a Sync.
func open(t *testing.T, cfg config.Logging) (*Logs, func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "drover.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		_ = f.Close() // written and read before
	})
	return l, func() string {
		t.Helper()
		l.Sync()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// lines decodes JSON lines.
func lines(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, m)
	}
	return list
}

func TestLogs_WritesJSONWithItsKeys(t *testing.T) {
	l, text := open(t, config.Logging{Level: "info", Format: "auto"})
	l.Logger("proxy").With(zap.String("pool", "app")).Info("it works", zap.Duration("after", 1500*time.Millisecond))
	got := lines(t, text())
	if len(got) != 1 {
		t.Fatalf("%d lines, want 1: %s", len(got), text())
	}
	for key, want := range map[string]any{"level": "info", "component": "proxy", "msg": "it works", "pool": "app", "after": 1.5} {
		if got[0][key] != want {
			t.Errorf("%s is %v, want %v", key, got[0][key], want)
		}
	}
	at, err := time.Parse(time.RFC3339, got[0]["ts"].(string))
	if err != nil || at.Location() != time.UTC {
		t.Errorf("ts %v: %v, want RFC 3339 in UTC", got[0]["ts"], err)
	}
}

func TestLogs_LevelsFollowComponentAndReload(t *testing.T) {
	l, text := open(t, config.Logging{Level: "warn", Format: "json", Levels: map[string]string{"proxy": "debug"}})
	proxy, pool := l.Logger("proxy"), l.Logger("pool")
	proxy.Debug("1")
	pool.Info("2")
	pool.Warn("3")
	if err := l.Apply(config.Logging{Level: "info", Format: "json"}); err != nil {
		t.Fatal(err)
	}
	proxy.Debug("4")
	pool.Info("5")
	var said []string
	for _, m := range lines(t, text()) {
		said = append(said, m["msg"].(string))
	}
	if got := strings.Join(said, ""); got != "135" {
		t.Errorf("lines %s were written, want 135", got)
	}
}

func TestLogs_ConsoleIsForPeople(t *testing.T) {
	l, text := open(t, config.Logging{Format: "console"})
	a := l.AccessLog(config.AccessLog{Enabled: true, Sample: 1})
	l.Logger("proxy").Info("it works")
	if got := text(); !strings.Contains(got, "INFO\tproxy\tit works") || strings.Contains(got, "\x1b") {
		t.Errorf("%q, want words without colours", got)
	}
	a.Log(&Record{Time: time.Unix(1, 0), Method: []byte("GET"), Host: []byte("a\x1b[31m"), Path: []byte("/\n\xff\u0085ü"), Status: 502,
		Duration: 1234 * time.Microsecond, Client: []byte("1.2.3.4"), Upstream: "app-1.1", Attempts: 3, End: "connect-failed"})
	want := "1970-01-01T00:00:01.000Z\trequest\t502 GET a\\x1b[31m/\\x0a\\xff\\xc2\\x85ü 0.001234s 1.2.3.4 -> app-1.1 attempts=3 end=connect-failed\n"
	if got := text(); !strings.HasSuffix(got, want) {
		t.Errorf("%q, want it to end with %q", got, want)
	}
}

func TestLogs_RefusesWrongSettings(t *testing.T) {
	f := func(cfg config.Logging, says string) {
		t.Helper()
		l, _ := open(t, config.Logging{})
		if err := l.Apply(cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", cfg, err, says)
		}
		if _, err := New(cfg, os.Stderr); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", cfg, err, says)
		}
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f(config.Logging{Level: "loud"}, `logging.level: "loud" is not a level`)
	f(config.Logging{Levels: map[string]string{"proxy": "fatal"}}, `logging.levels.proxy: "fatal"`)
	f(config.Logging{Format: "xml"}, `logging.format: "xml"`)
	f(config.Logging{Files: []config.LogFile{{Path: filepath.Join(blocked, "a.log")}}}, "choose another in logging.files")
}

// stuck is a sink that does not come back until it is released.
type stuck struct {
	release chan struct{}
	taken   atomic.Int64
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.release
	s.taken.Add(int64(len(p)))
	return len(p), nil
}

func TestQueue_StuckDiskLosesLinesButHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{release: make(chan struct{})}
		out := &output{}
		out.sinks.Store(&[]sink{s})
		q := newQueue(out, 2, 1000, 10*time.Millisecond)
		line := append(bytes.Repeat([]byte("x"), 99), '\n')
		for range 1000 {
			q.put(line)
			time.Sleep(time.Millisecond) // bubble time: lets the writer get stuck
		}
		dropped := q.dropped.Load()
		if dropped < 900 {
			t.Errorf("%d lines dropped of 1000 into 2 × 1000 bytes, want at least 900", dropped)
		}
		close(s.release)
		q.close()
		if got := s.taken.Load(); got != int64(1000-dropped)*100 {
			t.Errorf("%d bytes written, want those of %d lines", got, 1000-dropped)
		}
	})
}

func TestQueue_CloseGivesUpOnAStuckDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{release: make(chan struct{})}
		out := &output{}
		out.sinks.Store(&[]sink{s})
		q := newQueue(out, 1, 1000, 0)
		q.put([]byte("x\n"))
		begun := time.Now()
		q.close()
		if d := time.Since(begun); d != closeTimeout {
			t.Errorf("close took %v, want %v", d, closeTimeout)
		}
		close(s.release)
		<-q.done
	})
}

func TestQueue_GathersLinesOfAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writes := &counting{}
		out := &output{}
		out.sinks.Store(&[]sink{writes})
		q := newQueue(out, 1, 1<<20, accessDelay)
		for range 100 {
			q.put([]byte("line\n"))
			time.Sleep(time.Millisecond)
		}
		q.close()
		if n := writes.n.Load(); n < 9 || n > 11 {
			t.Errorf("%d writes in 100 ms, want about 10", n)
		}
	})
}

type counting struct{ n atomic.Int64 }

func (c *counting) Write(p []byte) (int, error) {
	c.n.Add(1)
	return len(p), nil
}

func TestLogs_AnnouncesLossesOnceAndThenSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var announced []uint64
		var at []time.Duration
		begun := time.Now()
		a := newAnnouncer(func(m map[string]uint64) {
			announced, at = append(announced, m["request"]), append(at, time.Since(begun).Round(time.Second))
		})
		for range 3000 {
			a.note("request", 2)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Minute) // it is over, and begins anew
		again := time.Since(begun)
		a.note("request", 5)
		time.Sleep(announceEvery + time.Millisecond)
		a.note("request", 7)
		a.close()
		a.note("request", 1)
		var sum uint64
		for _, n := range announced {
			sum += n
		}
		n := len(at)
		if n < 11 || n > 15 || at[0] != announceEvery || at[n-2] != (again+announceEvery).Round(time.Second) || sum != 6012 {
			t.Errorf("announced %v after %v, want 6012, at most once a minute in the end", announced, at)
		}
	})
}

func TestLogs_DroppedCountsByKind(t *testing.T) {
	l, _ := open(t, config.Logging{})
	if got := l.Dropped(); len(got) != 3 || got["request"]+got["worker"]+got["drover"] != 0 {
		t.Errorf("dropped %v, want none of three kinds", got)
	}
}

func TestLogs_OutliveTheirReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(config.Logging{}, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	l.Logger("a").Info("nobody reads this")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if fd := l.out.stream.f.Name(); fd != w.Name() || l.Dropped()["drover"] != 1 {
		t.Errorf("%s, %v dropped, want the line counted", fd, l.Dropped())
	}
	if _, err := w.WriteString("x"); err == nil || errors.Is(err, os.ErrClosed) {
		t.Errorf("%v: the file that was given must stay its owner's", err)
	}
	_ = w.Close() // nobody reads it
}
