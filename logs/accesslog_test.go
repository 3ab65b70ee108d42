package logs

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

func record() *Record {
	return &Record{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 7e6, time.FixedZone("", 3600)), RequestID: []byte("r1"), TraceID: []byte("t1"),
		Client: []byte("192.0.2.1"), Listener: "web", Method: []byte("GET"), Host: []byte("example.com"), Path: []byte("/a"),
		Proto: []byte("HTTP/1.1"), Status: 200, BytesIn: 1, BytesOut: 2, Duration: 1500 * time.Microsecond,
		Pool: "app", Upstream: "app-1.1", Attempts: 1, UpstreamDuration: time.Second, QueueWait: 0, End: "ok",
	}
}

func TestAccessLog_LineHasExactlyTheKeys(t *testing.T) {
	l, text := open(t, config.Logging{})
	l.AccessLog(config.AccessLog{Enabled: true, Sample: 1}).Log(record())
	want := `{"ts":"2026-03-01T11:00:00.007Z","level":"info","msg":"request","requestId":"r1","traceId":"t1","client":"192.0.2.1",` +
		`"listener":"web","method":"GET","host":"example.com","path":"/a","proto":"HTTP/1.1","status":200,"bytesIn":1,"bytesOut":2,` +
		`"duration":0.0015,"pool":"app","upstream":"app-1.1","attempts":1,"upstreamDuration":1,"queueWait":0,"end":"ok"}` + "\n"
	if got := text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAccessLog_LeavesOutAnEmptyTraceID(t *testing.T) {
	l, text := open(t, config.Logging{})
	r := record()
	r.TraceID = nil
	l.AccessLog(config.AccessLog{Enabled: true, Sample: 1}).Log(r)
	if got := text(); strings.Contains(got, "traceId") || !strings.Contains(got, `"requestId":"r1","client"`) {
		t.Errorf("got %s", got)
	}
}

func TestAccessLog_SamplesAndExcludesOnlySuccess(t *testing.T) {
	f := func(cfg config.AccessLog, path string, status int, end string, want bool) {
		t.Helper()
		l, text := open(t, config.Logging{})
		r := record()
		r.Path, r.Status, r.End = []byte(path), status, end
		l.AccessLog(cfg).Log(r)
		if got := text() != ""; got != want {
			t.Errorf("%+v %s %d %s: logged %v, want %v", cfg, path, status, end, got, want)
		}
	}
	all := config.AccessLog{Enabled: true, Sample: 1}
	none := config.AccessLog{Enabled: true, Sample: 0}
	health := config.AccessLog{Enabled: true, Sample: 1, Exclude: []string{"/health", "/assets/"}}
	f(config.AccessLog{Sample: 1}, "/", 500, "ok", false)
	f(all, "/", 200, "ok", true)
	f(none, "/", 200, "ok", false)
	f(none, "/", 404, "ok", true)
	f(none, "/", 500, "ok", true)
	f(none, "/", 200, "client-closed", true)
	f(health, "/health", 200, "ok", false)
	f(health, "/assets/a.css", 304, "ok", false)
	f(health, "/assets", 200, "ok", true)
	f(health, "/health", 503, "ok", true)
}

func TestAccessLog_FollowsAReload(t *testing.T) {
	l, text := open(t, config.Logging{})
	a := l.AccessLog(config.AccessLog{})
	if a.Enabled() {
		t.Error("enabled, want not")
	}
	if err := l.Apply(config.Logging{AccessLog: config.AccessLog{Enabled: true, Sample: 1}}); err != nil {
		t.Fatal(err)
	}
	a.Log(record())
	if !a.Enabled() || len(lines(t, text())) != 1 {
		t.Errorf("not enabled by the reload: %q", text())
	}
	var none *AccessLog
	none.Log(record()) // must not panic
	if none.Enabled() {
		t.Error("a nil log is enabled")
	}
}

func TestAccessLog_ManyAtOnceLoseNothing(t *testing.T) {
	l, text := open(t, config.Logging{})
	a := l.AccessLog(config.AccessLog{Enabled: true, Sample: 1})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := record()
			for i := range 500 {
				r.RequestID = fmt.Appendf(r.RequestID[:0], "%d-%d", g, i)
				a.Log(r)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, m := range lines(t, text()) {
		seen[m["requestId"].(string)] = true
	}
	if len(seen) != 4000 || a.Dropped() != 0 {
		t.Errorf("%d different lines and %d dropped, want 4000 and none", len(seen), a.Dropped())
	}
}

func TestAccessLog_AllocatesNothing(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close() //nolint:errcheck // nothing is kept there
	l, err := New(config.Logging{Format: "json"}, null)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // files are not open
	a := l.AccessLog(config.AccessLog{Enabled: true, Sample: 1})
	r := record()
	for range 20000 {
		a.Log(r)
	}
	l.Sync()
	if n := testing.AllocsPerRun(2000, func() { a.Log(r) }); n != 0 {
		t.Errorf("%v allocations for a line, want 0", n)
	}
}

func TestAppendSeconds(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := string(appendSeconds(nil, d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	f(0, "0")
	f(999, "0")
	f(time.Microsecond, "0.000001")
	f(1200*time.Microsecond, "0.0012")
	f(100*time.Millisecond, "0.1")
	f(time.Second, "1")
	f(90*time.Minute+time.Millisecond, "5400.001")
	f(-time.Second, "0")
}

func TestStamp_IsTheSameAsTimeFormat(t *testing.T) {
	var s stamp
	f := func(at time.Time) {
		t.Helper()
		if got, want := string(s.append(nil, at)), at.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
	}
	f(time.Unix(0, 0))
	f(time.Unix(0, 999999999))
	f(time.Date(2026, 12, 31, 23, 59, 59, 999999999, time.UTC))
	f(time.Date(2026, 12, 31, 23, 59, 59, 1e6, time.FixedZone("", -7200)))
}

// FuzzRecord checks that a line is JSON whatever a client sent, and says what encoding/json would.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("/a\"b\\c\n\x00\x7f"), []byte("\xff\xc3\x28é\u2028"), int64(1234567))
	f.Add([]byte(""), []byte("\xed\xa0\x80\xf4\x90\x80\x80"), int64(-1))
	f.Fuzz(func(t *testing.T, path, host []byte, d int64) {
		r := record()
		r.Path, r.Host, r.RequestID, r.Duration = path, host, path, time.Duration(d)
		line := r.appendJSON(nil, new(stamp))
		if strings.Count(string(line), "\n") != 1 {
			t.Fatalf("%q is not one line", line)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		text, err := json.Marshal(string(path))
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got["path"], want) {
			t.Fatalf("path %q became %q, want %q", path, got["path"], want)
		}
		if printed := r.appendConsole(nil, new(stamp)); strings.ContainsAny(string(printed[:len(printed)-1]), "\n\r\x1b") {
			t.Fatalf("%q has control characters", printed)
		}
	})
}

// BenchmarkAccessLog writes out after every 500 lines, about what comes in a
// hundredth of a second on a busy front.
func BenchmarkAccessLog(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	l, err := New(config.Logging{Format: "json"}, null)
	if err != nil {
		b.Fatal(err)
	}
	a, r := l.AccessLog(config.AccessLog{Enabled: true, Sample: 1}), record()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Log(r)
		if i%500 == 0 {
			l.access.flush()
		}
	}
}
