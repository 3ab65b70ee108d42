package ipc

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

// keptLines keeps the lines of an audit log.
type keptLines struct {
	mu    sync.Mutex
	lines []string
}

func (k *keptLines) Put(line []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, string(line))
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 345678901, time.FixedZone("", 3600))

func TestAuditLog_WritesALineForEachMessage(t *testing.T) {
	f := func(content bool, r AuditRecord, want string) {
		t.Helper()
		var kept keptLines
		r.Time = noon
		NewAuditLog(&kept, content).Record(r)
		want = `{"time":"2026-01-02T11:00:00.345Z",` + want + "}\n"
		if len(kept.lines) != 1 || kept.lines[0] != want {
			t.Errorf("wrote %q, want %q", kept.lines, want)
		}
	}
	send := AuditRecord{Kind: "send", From: "app-1.1", To: "app-2.1", Type: "price.changed", ID: 5, Size: 10, Result: "ok", Content: []byte(`{"sku":42}`)}
	f(false, send, `"kind":"send","from":"app-1.1","to":"app-2.1","type":"price.changed","id":5,"size":10,"result":"ok"`)
	f(true, send, `"kind":"send","from":"app-1.1","to":"app-2.1","type":"price.changed","id":5,"size":10,"result":"ok","content":{"sku":42}`)
	f(true, AuditRecord{Kind: "bare", From: "app-1.1", Size: 4, Result: "ok", Content: []byte("null")},
		`"kind":"bare","from":"app-1.1","to":"","type":"","size":4,"result":"ok","content":null`)
	f(true, AuditRecord{Kind: "send", From: "app-1.1", Type: "x", Size: 9, Result: "ok", Content: []byte("[1,\n\"\\n\"]")},
		`"kind":"send","from":"app-1.1","to":"","type":"x","size":9,"result":"ok","content":[1,"\n"]`)
}

func TestAuditLog_HostileNamesStayInTheirPlace(t *testing.T) {
	f := func(hostile string, content []byte) {
		t.Helper()
		var kept keptLines
		NewAuditLog(&kept, true).Record(AuditRecord{Kind: "send", From: "app-1.1", To: hostile, Type: hostile, Result: "bad-type", Content: content})
		line := kept.lines[0]
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if strings.Count(line, "\n") != 1 || got["from"] != "app-1.1" || got["result"] != "bad-type" || len(got) != 8 {
			t.Errorf("the line became %q", line)
		}
		if len(line) > 2000 {
			t.Errorf("the line has %d bytes", len(line))
		}
	}
	f(`x","from":"app-2.1","y":"`, []byte(`1`))
	f("x\n{\"from\":\"app-2.1\"}", []byte("\n1\n"))
	f("\x00\xff\xfe\u2028", []byte("\xff"))
	f(strings.Repeat("€", 1<<20), []byte(`","from":"app-2.1`))
	f("", []byte(`1,"from":"app-2.1"`))
	f("", []byte{})
	f("", []byte("[\"\xff\"]"))
}

func TestAuditLog_MayBeUsedByMany(t *testing.T) {
	var kept keptLines
	log := NewAuditLog(&kept, false)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				log.Record(AuditRecord{Kind: "send", From: "app-1.1", Result: "ok"})
			}
		})
	}
	all.Wait()
	for _, line := range kept.lines {
		if !json.Valid([]byte(line)) {
			t.Fatalf("%q is no JSON", line)
		}
	}
	if len(kept.lines) != 800 {
		t.Errorf("%d lines of 800", len(kept.lines))
	}
}

func TestAuditLog_NilWritesNothing(t *testing.T) {
	var log *AuditLog
	log.Record(AuditRecord{Kind: "send"})
}

func BenchmarkAuditLog(b *testing.B) {
	log := NewAuditLog(discardLines{}, false)
	b.ReportAllocs()
	for b.Loop() {
		log.Record(AuditRecord{Time: noon, Kind: "send", From: "app-1.1", To: "app-2.1", Type: "price.changed", ID: 5, Size: 10, Result: "ok"})
	}
}

type discardLines struct{}

func (discardLines) Put([]byte) {}
