package ipc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// These tests are what a worker may try that was taken over, or is badly broken.

// refused checks that the worker is answered with this error, in few words.
func (w *stand) refused(id int, code string) {
	w.t.Helper()
	line := w.hear()
	if !strings.HasPrefix(line, fmt.Sprintf(`{"drover":"reply","id":%d,"error":{"code":"%s"`, id, code)) || len(line) > 8<<10 || !json.Valid([]byte(line)) {
		w.t.Fatalf("%s heard %.1000s (%d bytes), want the error %s for %d", w.id, line, len(line), code, id)
	}
}

func TestHostile_NobodySpeaksForAnother(t *testing.T) {
	s := newSite(t, Options{})
	a, b, c := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	for i, frame := range []string{
		`{"drover":"send","id":%d,"from":"app-3.1","worker":"app-2","type":"t"}`,
		`{"drover":"send","id":%d,"fr\u006fm":"app-3.1","worker":"app-2","type":"t"}`,
		`{"from":null,"drover":"broadcast","id":%d,"type":"t"}`,
		`{"drover":"publish","id":%d,"topic":"t","from":"drover"}`,
		`{"drover":"request","id":%d,"worker":"app-2","type":"t","from":{}}`,
		`{"drover":"cache","id":%d,"ops":[],"from":"app-3.1"}`,
		`{"dr\u006fver":"hello","id":%d,"version":1,"from":"app-3.1"}`,
	} {
		a.say(frame, i+2)
		a.refused(i+2, CodeForgedFrom)
	}
	for i, frame := range []string{
		`{"drover":"send","id":%d,"From":"app-3.1","worker":"app-2","type":"t"}`,
		`{"drover":"send","id":%d,"sender":"app-3.1","worker":"app-2","type":"t"}`,
		`{"drover":"send","id":%d,"seq":9,"worker":"app-2","type":"t"}`,
		`{"drover":"send","id":%d,"worker":"app-2","type":"t","data":1,"data":{"from":2}}`,
		`{"drover":"send","id":%d,"worker":"app-2","type":"t","d\u0061ta":1,"data":2}`,
		`{"drover":"send","id":%d,"drover":"broadcast","type":"t"}`,
	} {
		a.say(frame, i+20)
		a.refused(i+20, CodeBadFrame)
	}
	// What drover alone says is no frame of a worker's.
	for i, verb := range []string{"message", "reply", "event", "keys", "drop", "shutdown", "ping", "Send", "", " send", strings.Repeat("x", 1<<20)} {
		a.say(`{"drover":%q,"id":%d}`, verb, i+40)
		if verb != "" { // an empty one is a bare value
			a.refused(i+40, CodeUnknownVerb)
		}
	}
	b.quiet()
	c.quiet()
	// In the data it is data.
	a.say(`{"drover":"send","worker":"app-2","type":"t","data":{"from":"app-3.1","drover":"keys"}}`)
	b.expect(`{"drover":"message","seq":1,"from":"app-1.1","type":"t","data":{"from":"app-3.1","drover":"keys"}}`)
}

func TestHostile_RequestsAreAnsweredByWhoWasAsked(t *testing.T) {
	s := newSite(t, Options{})
	a, b, c := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	for _, id := range []int{0, 1, 2, 10, maxID} { // c was asked nothing
		c.say(`{"drover":"response","id":%d,"data":"mine"}`, id)
		c.say(`{"drover":"cancel","id":%d}`, id)
		c.say(`{"drover":"ack","seq":%d}`, id)
		c.say(`{"drover":"nack","seq":%d,"error":{"code":"x"}}`, id)
		c.say(`{"drover":"pong","id":%d}`, id)
	}
	c.quiet()
	a.quiet()
	b.say(`{"drover":"response","id":1,"data":"first"}`)
	b.say(`{"drover":"response","id":1,"data":"second"}`)
	a.expect(`{"drover":"reply","id":10,"from":"app-2.1","data":"first"}`)
	a.quiet()
	// Nor is an answer taken after its request was cancelled.
	a.say(`{"drover":"request","id":11,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":2,`)
	a.say(`{"drover":"cancel","id":11}`)
	a.refused(11, CodeCancelled)
	b.expect(`{"drover":"cancel","id":2}`)
	b.say(`{"drover":"response","id":2,"data":"late"}`)
	b.quiet()
	a.quiet()
}

func TestHostile_AcknowledgementsAreForWhatWasSent(t *testing.T) {
	s := newSite(t, Options{RequestTimeout: 200 * time.Millisecond})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	b.say(`{"drover":"ack","seq":%d}`, int64(maxID)) // in advance
	b.quiet()
	a.say(`{"drover":"send","id":5,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"message","seq":1,`)
	a.refused(5, CodeTimeout)
	b.say(`{"drover":"ack","seq":1}`) // too late
	b.say(`{"drover":"ack","seq":1}`)
	b.quiet()
	a.quiet()
}

func TestHostile_OversizedIsRefusedOrSkipped(t *testing.T) {
	s := newSite(t, Options{MaxMessageBytes: 1000, Cache: echoCache{}})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	f := func(id, size int, code string) {
		t.Helper()
		a.say(`{"drover":"send","id":%d,"worker":"app-2","type":"t","data":"%s"}`, id, strings.Repeat("x", size-2))
		if code == "" {
			b.expectBegin(`{"drover":"message"`)
			b.say(`{"drover":"ack","seq":100}`)
			a.expect(fmt.Sprintf(`{"drover":"reply","id":%d,"data":{"worker":"app-2.1","acknowledged":true}}`, id))
			return
		}
		a.refused(id, code)
	}
	f(2, 1000, "")
	f(3, 1001, CodeTooLarge)
	f(4, 60_000, CodeTooLarge)
	a.say(`{"drover":"send","id":5,"worker":"app-2","type":"t","data":"%s"}`, strings.Repeat("x", 1<<20)) // skipped as a whole
	a.say(`{"drover":"send","id":6,"worker":"app-2","type":"%s"}`, strings.Repeat("t", 60_000))
	a.refused(6, CodeBadType)
	a.say(`{"drover":"send","id":7,"worker":"%s","type":"t"}`, strings.Repeat("w", 60_000))
	a.refused(7, CodeForbidden)
	a.say(`{"drover":"send","id":8,"pool":"%s","type":"t"}`, strings.Repeat("p", 60_000))
	a.refused(8, CodeForbidden)
	a.say(`{"drover":"send","id":9,"%s":1,"type":"t"}`, strings.Repeat("m", 60_000))
	a.refused(9, CodeBadFrame)
	a.say(`{"drover":"subscribe","id":10,"topics":[%s"a"]}`, strings.Repeat(`"",`, 999))
	a.refused(10, CodeBadType)
	a.say(`{"drover":"subscribe","id":11,"topics":[%s"a"]}`, strings.Repeat(`"a",`, 1000))
	a.refused(11, CodeBadFrame)
	a.say(`{"drover":"request","id":12,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	b.say(`{"drover":"response","id":1,"data":"%s"}`, strings.Repeat("x", 1000))
	a.refused(12, CodeTooLarge)
	a.say(`{"drover":"request","id":13,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":2,`)
	b.say(`{"drover":"response","id":2,"error":{"code":"%s","message":"%s"}}`, strings.Repeat("€", 1000), strings.Repeat("€", 10_000))
	if line := a.hear(); len(line) > 8<<10 || !json.Valid([]byte(line)) || !contains(line, `"error":{"code":"€€`) {
		t.Errorf("the error of a response became %d bytes: %.300s", len(line), line)
	}
	a.say(`"%s"`, strings.Repeat("x", 2000)) // bare
	b.quiet()
	if got := a.e.Counts(); got.Skipped != 1 {
		t.Errorf("%d lines were skipped, want the one", got.Skipped)
	}
}

// echoCache answers operations with themselves.
type echoCache struct{}

func (echoCache) Serve(_ string, ops []byte, reply func([]byte)) { reply(ops) }
func (echoCache) Gone(string)                                    {}

func TestHostile_DeepIsRefused(t *testing.T) {
	s := newSite(t, Options{MaxDepth: 10, Cache: echoCache{}})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	b.say(`{"drover":"subscribe","id":1,"events":["message"]}`)
	b.expectBegin(`{"drover":"reply","id":1,`)
	a.say(`{"drover":"send","id":2,"worker":"app-2","type":"t","data":%s}`, nested(10))
	b.expectBegin(`{"drover":"message"`)
	b.say(`{"drover":"ack","seq":1}`)
	a.expectBegin(`{"drover":"reply","id":2,"data"`)
	a.say(`{"drover":"send","id":3,"worker":"app-2","type":"t","data":%s}`, nested(11))
	a.refused(3, CodeTooDeep)
	a.say(`{"drover":"broadcast","id":4,"type":"t","data":%s}`, nested(9000))
	a.refused(4, CodeTooDeep)
	a.say(`{"drover":"broadcast","id":5,"type":"t","data":%s}`, nested(500_000))
	a.refused(5, CodeBadFrame) // no reader goes that deep
	a.say(`{"drover":"cache","id":6,"ops":[["set","n","k",%s]]}`, nested(10))
	a.expectBegin(`{"drover":"reply","id":6,"data":[["set"`)
	a.say(`{"drover":"cache","id":7,"ops":[["set","n","k",%s]]}`, nested(11))
	a.refused(7, CodeTooDeep)
	a.say("%s", nested(11)) // bare
	a.say(`{"drover":"request","id":8,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	b.say(`{"drover":"response","id":1,"data":%s}`, nested(11))
	a.refused(8, CodeTooDeep)
	b.quiet()
}

func TestHostile_TypesAndSchemasHold(t *testing.T) {
	types, err := ParsePatterns([]string{"task.*", "message"})
	if err != nil {
		t.Fatal(err)
	}
	schemas := loadForTest(t, map[string]string{"task.*": `{"type":"integer"}`, "message": `{"required":["ok"]}`})
	s := newSite(t, Options{Types: types, Schemas: schemas})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	b.say(`{"drover":"subscribe","id":1,"events":["message"],"topics":["*"]}`)
	b.expectBegin(`{"drover":"reply","id":1,`)
	f := func(id int, frame, code string) {
		t.Helper()
		a.say(frame, id)
		a.refused(id, code)
	}
	f(2, `{"drover":"send","id":%d,"worker":"app-2","type":"tasks.run","data":1}`, CodeUnknownType)
	f(3, `{"drover":"publish","id":%d,"topic":"orders","data":1}`, CodeUnknownType)
	f(4, `{"drover":"send","id":%d,"worker":"app-2","type":"task run","data":1}`, CodeBadType)
	f(5, `{"drover":"send","id":%d,"worker":"app-2","type":"","data":1}`, CodeBadType)
	f(6, `{"drover":"send","id":%d,"worker":"app-2","type":"task.*","data":1}`, CodeBadType)
	f(7, `{"drover":"send","id":%d,"worker":"app-2","type":7,"data":1}`, CodeBadFrame)
	f(8, `{"drover":"broadcast","id":%d,"type":"task.run","data":"1"}`, CodeSchema)
	f(9, `{"drover":"request","id":%d,"worker":"app-2","type":"task.run"}`, CodeSchema) // null is no integer
	f(10, `{"drover":"publish","id":%d,"topic":"task.x","data":[]}`, CodeSchema)
	f(11, `{"drover":"send","id":%d,"worker":"app-2","type":"task.run","jwe":"a.b.c.d.e"}`, CodeBadFrame) // no way around the schema
	f(12, `{"drover":"send","id":%d,"worker":"app-2","type":"task.run","jwe":"a","data":1}`, CodeBadFrame)
	a.say(`{"no":1}`) // bare: not what the schema of message says
	b.quiet()
	a.say(`{"ok":1}`)
	b.expectBegin(`{"drover":"event",`)
}

func TestHostile_ForbiddenTargetsAreOutOfReach(t *testing.T) {
	acl := newTestACL(t,
		Rule{From: "web", To: "jobs", Types: []string{"task.*"}},
		Rule{From: "mute", To: "mute", Types: []string{"only.this"}})
	s := newSite(t, Options{ACL: acl})
	web, web2 := s.worker("web-1.1", true), s.worker("web-2.1", true)
	jobs, db := s.worker("jobs-1.1", true), s.worker("db-1.1", true)
	mute, mute2 := s.worker("mute-1.1", true), s.worker("mute-2.1", true)
	for _, w := range []*stand{web2, jobs, db, mute2} {
		w.say(`{"drover":"subscribe","id":1,"topics":["*"],"events":["message"]}`)
		w.expectBegin(`{"drover":"reply","id":1,`)
	}
	id := 1
	f := func(w *stand, members, code string) {
		t.Helper()
		id++
		w.say(`{"id":%d,%s}`, id, members)
		w.refused(id, code)
	}
	for _, target := range []string{`"worker":"db-1"`, `"worker":"db-1.1"`, `"pool":"db"`, `"pool":"db","pick":"least-busy"`, `"worker":"db-+1"`, `"worker":"db-01.1"`,
		`"worker":"nobody-1"`, `"worker":"db"`, `"pool":""`, `"worker":"drover"`, `"pool":"*"`, `"worker":"*"`} {
		want := CodeForbidden
		if target == `"pool":""` {
			continue // the own one
		}
		f(web, `"drover":"send","type":"task.run",`+target, want)
		f(web, `"drover":"request","type":"task.run",`+target, want)
	}
	f(web, `"drover":"send","type":"other","pool":"jobs"`, CodeForbidden)
	f(web, `"drover":"broadcast","type":"other","pool":"jobs"`, CodeForbidden)
	f(web, `"drover":"broadcast","type":"task.run","pool":"db"`, CodeForbidden)
	f(jobs, `"drover":"send","type":"task.run","worker":"web-1"`, CodeForbidden) // rules have a direction
	f(mute, `"drover":"broadcast","type":"other"`, CodeForbidden)
	f(mute, `"drover":"send","type":"other","worker":"mute-2"`, CodeForbidden)
	mute.say(`{"bare":1}`) // is of the type message, which is not listed
	mute2.quiet()
	f(web, `"drover":"send","type":"task.run","worker":"jobs-1","pool":"web"`, CodeBadFrame) // both, of which one is allowed
	// To all is to all that are allowed.
	web.say(`{"drover":"broadcast","type":"task.run","pool":"*"}`)
	web2.expectBegin(`{"drover":"message","seq":1,"from":"web-1.1"`)
	jobs.expectBegin(`{"drover":"message","seq":1,"from":"web-1.1"`)
	web.say(`{"drover":"publish","topic":"other"}`)
	web2.expectBegin(`{"drover":"message","seq":2,"from":"web-1.1","topic":"other"`)
	web.say(`{"bare":1}`)
	web2.expectBegin(`{"drover":"event",`)
	for _, w := range []*stand{jobs, db, mute2} {
		w.quiet()
	}
}

func TestHostile_WhatCannotBeReadIsAnswered(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"send","id":2,"worker":"app-2","type":"t","data":"\ud800"}`) // JSON.stringify writes this
	a.refused(2, CodeBadFrame)
	a.say("{\"drover\":\"send\",\"id\":3,\"worker\":\"app-2\",\"type\":\"t\",\"data\":\"\xff\"}")
	a.refused(3, CodeBadFrame)
	a.say(`{"drover":"send","worker":"app-2","type":"t","data":{"a":1,"a":2},"id":4}`)
	a.refused(4, CodeBadFrame)
	a.say(`{"drover":"request","id":5,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	b.say(`{"drover":"response","id":1,"data":"\udc00"}`)
	a.refused(5, CodeBadFrame)
	for _, line := range []string{`{"drover":"send","id":6`, `{"drover":"send","id":6}}`, `{"drover":"send","id":6}{"drover":"send","id":7}`, `{"drover":"send","id":6,,"id":7}`} {
		a.say("%s", line)
		a.refused(6, CodeBadFrame)
	}
	for _, line := range []string{"", "{", "\x00\x01\xff", "nul", `{"drover":"send","id":1e9,"data":"\ud800"}`, `{"drover":"send","id":-1,"data":"\ud800"}`, `{"drover":`, `{"id":6,"drover"`} {
		a.say("%s", line)
	}
	a.quiet()
	b.quiet()
}

func TestHostile_GarbageHarmsNobody(t *testing.T) {
	s := newSite(t, Options{})
	a, b, c := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	random := rand.NewChaCha8([32]byte{7})
	garbage := make([]byte, 4<<20)
	_, _ = random.Read(garbage)
	if _, err := a.end.Write(append(garbage, '\n')); err != nil {
		t.Fatal(err)
	}
	a.quiet() // it is heard as before
	b.quiet()
	if _, err := c.end.WriteString(`{"drover":"broadcast","type":"t","data":"half a`); err != nil { // and no more, for ever
		t.Fatal(err)
	}
	b.say(`{"drover":"send","id":5,"worker":"app-1","type":"t"}`)
	a.expectBegin(`{"drover":"message","seq":1,`)
	a.say(`{"drover":"ack","seq":1}`)
	b.expectBegin(`{"drover":"reply","id":5,"data"`)
	c.die() // in the middle of a frame
	waitFor(t, "c to be gone", func() bool { return s.hub.present.Load().find("app-3") == nil })
	a.quiet()
	b.quiet()
}

// answers reads the replies to a worker until it has seen so many, and counts them by result.
func (w *stand) answers(n int) map[string]int {
	w.t.Helper()
	counts := map[string]int{}
	for range n {
		var reply struct {
			Error *Error
		}
		line := w.hear()
		if err := json.Unmarshal([]byte(line), &reply); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		if reply.Error == nil {
			counts[resultOK]++
		} else {
			counts[reply.Error.Code]++
		}
	}
	return counts
}

// waits is how many bytes wait for a worker.
func (w *stand) waits() int {
	w.e.out.mu.Lock()
	defer w.e.out.mu.Unlock()
	return len(w.e.out.pending) - w.e.out.head
}

func TestHostile_AFloodForOneDelaysNobodyElse(t *testing.T) {
	s := newSite(t, Options{QueueLength: 100, RequestTimeout: time.Hour})
	flooder, deaf, a, b := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true), s.worker("app-4.1", true)
	const flood = 20_000
	data := strings.Repeat("x", 1000)
	go func() {
		for i := range flood {
			if _, err := fmt.Fprintf(flooder.end, `{"drover":"send","id":%d,"worker":"app-2","type":"t","data":"%s"}`+"\n", i+2, data); err != nil {
				return
			}
		}
	}()
	told := make(chan map[string]int, 1)
	go func() { told <- flooder.answers(flood - 100) }() // those in the queue wait for their time
	for i := range 100 {                                 // others talk meanwhile
		a.say(`{"drover":"send","id":%d,"worker":"app-4","type":"t"}`, i+2)
		b.expectBegin(fmt.Sprintf(`{"drover":"message","seq":%d,"from":"app-3.1"`, i+1))
		b.say(`{"drover":"ack","seq":%d}`, i+1)
		a.expectBegin(fmt.Sprintf(`{"drover":"reply","id":%d,"data"`, i+2))
	}
	if got := <-told; got[CodeQueueFull] != flood-100 {
		t.Errorf("the flooder was told %v", got)
	}
	if n := deaf.waits(); n > 200_000 {
		t.Errorf("%d bytes wait for the one that does not read", n)
	}
	deaf.die()
	if got := flooder.answers(100); got[CodeWorkerGone] != 100 {
		t.Errorf("of those that waited the flooder was told %v", got)
	}
}

func TestHostile_ASenderThatDoesNotReadIsStopped(t *testing.T) {
	s := newSite(t, Options{QueueLength: 100})
	deaf, a, b := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	stopped := make(chan error, 1)
	go func() { // each is answered, and no answer is read
		line := []byte(`{"drover":"` + strings.Repeat("x", 1000) + `","id":7}` + "\n")
		for range 100_000 {
			if err := deaf.end.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
				stopped <- err
				return
			}
			if _, err := deaf.end.Write(line); err != nil {
				stopped <- nil
				return
			}
		}
		stopped <- fmt.Errorf("drover went on reading")
	}()
	a.say(`{"drover":"send","id":5,"worker":"app-3","type":"t"}`)
	b.expectBegin(`{"drover":"message"`)
	b.say(`{"drover":"ack","seq":1}`)
	a.expectBegin(`{"drover":"reply","id":5,"data"`)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if n := deaf.waits(); n > 1<<20 {
		t.Errorf("%d bytes wait for the one that does not read", n)
	}
	deaf.die()
	waitFor(t, "the deaf one to be gone", func() bool { return s.hub.present.Load().find("app-1") == nil })
}

func TestHostile_OneThatNeverAcknowledgesIsBounded(t *testing.T) {
	var kept keptLines
	s := newSite(t, Options{RequestTimeout: 50 * time.Millisecond, Audit: NewAuditLog(&kept, true), AuditContent: true})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	go func() { _, _ = io.Copy(io.Discard, b.end) }() // it reads everything
	data := strings.Repeat("x", 1<<20-2)
	const all = maxQueued>>20 + 6 // messages of 1 MB
	counts := map[string]int{}
	for i := range all {
		a.say(`{"drover":"send","id":%d,"worker":"app-2","type":"t","data":"%s"}`, i+2, data)
		for code := range a.answers(1) {
			counts[code]++
		}
	}
	// What the audit log is to have is kept until then: not more than a box holds.
	if counts[CodeTimeout] != maxQueued>>20 || counts[CodeQueueFull] != all-maxQueued>>20 {
		t.Errorf("messages ended as %v", counts)
	}
	counts = map[string]int{}
	for i := range all {
		a.say(`{"drover":"request","id":%d,"worker":"app-2","type":"t","timeoutMs":60000,"data":"%s"}`, i+200, data)
	}
	for range all - maxQueued>>20 {
		for code := range a.answers(1) {
			counts[code]++
		}
	}
	if counts[CodeQueueFull] != all-maxQueued>>20 {
		t.Errorf("requests ended as %v", counts)
	}
	b.die()
	if got := a.answers(maxQueued >> 20); got[CodeWorkerGone] != maxQueued>>20 {
		t.Errorf("open requests ended as %v", got)
	}
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	if b.e.dutyKept != 0 || b.e.inbox.kept != 0 {
		t.Errorf("%d and %d bytes are still kept", b.e.dutyKept, b.e.inbox.kept)
	}
}

func TestHostile_HealthStaysWhatJSONCanSay(t *testing.T) {
	s := newSite(t, Options{})
	a := s.worker("app-1.1", true)
	for i, members := range []string{`"loopDelayMs":1e999`, `"loopDelayMs":-1e999`, `"loopDelayMs":"1"`, `"checks":[{"name":"a","ms":1e999}]`, `"checks":[null]`, `"checks":[{"name":""}]`, `"checks":{}`} {
		done := make(chan error, 1)
		go func() { done <- s.hub.Ping(t.Context(), "app-1.1") }()
		a.expect(fmt.Sprintf(`{"drover":"ping","id":%d}`, 2*i+1))
		a.say(`{"drover":"pong","id":%d,%s}`, 2*i+1, members)
		a.quiet()
		if h, ok := s.hub.Health("app-1.1"); ok {
			if _, err := json.Marshal(h); err != nil || math.IsInf(h.LoopDelayMS, 0) {
				t.Errorf("%s: health became %+v: %v", members, h, err)
			}
		}
		a.say(`{"drover":"pong","id":%d}`, 2*i+1) // the good one ends the wait
		if err := <-done; err != nil {
			t.Errorf("%s: %v", members, err)
		}
		go func() { done <- s.hub.Ping(t.Context(), "app-1.1") }()
		a.expect(fmt.Sprintf(`{"drover":"ping","id":%d}`, 2*i+2))
		a.say(`{"drover":"pong","id":%d}`, 2*i+2)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// secrets reads the frame of keys that a worker gets before the answer to hello.
func secrets(t *testing.T, w *stand) keysFrame {
	t.Helper()
	var f keysFrame
	line := w.hear()
	if err := json.Unmarshal([]byte(line), &f); err != nil || f.Drover != "keys" {
		t.Fatalf("%s heard %s, want its keys", w.id, line)
	}
	w.expectBegin(`{"drover":"reply","id":1,"data":{"version":1,`)
	return f
}

// secretWorker opens a channel of a worker that encrypts.
func (s *site) secretWorker(id string) (*stand, keysFrame) {
	s.t.Helper()
	w := s.worker(id, false)
	w.say(`{"drover":"hello","id":1,"version":1,"acks":true}`)
	return w, secrets(s.t, w)
}

func (f keysFrame) token(t *testing.T, pool, from, kind string, n int, data string) string {
	t.Helper()
	key := f.Send[pool]
	secret, err := base64.RawURLEncoding.DecodeString(key.K)
	if err != nil || len(secret) != 32 {
		t.Fatalf("no key for %s: %v", pool, err)
	}
	return token(t, secret, fmt.Sprintf(`{"alg":"dir","enc":"A256GCM","kid":%q,"from":%q,"type":%q,"n":%d}`, key.Kid, from, kind, n), data)
}

func TestHostile_EncryptionIsNotOptional(t *testing.T) {
	s := newSite(t, Options{Keys: NewKeyring(), Pools: pools("app", "jobs")})
	a, keys := s.secretWorker("app-1.1")
	b, _ := s.secretWorker("app-2.1")
	b.say(`{"drover":"subscribe","id":1,"events":["message"]}`)
	b.expectBegin(`{"drover":"reply","id":1,`)
	if _, leaked := keys.Send["jobs"]; leaked {
		t.Error("a worker has the key of a pool that it may not send to")
	}
	for i, payload := range []string{`"data":1`, `"data":null`, `"type2":1`, `"jwe":1`, `"jwe":null`, `"jwe":["a"]`, `"jwe":{"app":1}`, `"jwe":{"app":{}}`, `"jwe":{"app":"a","x":[[]]}`, `"jwe":"a","data":1`} {
		want := CodeBadFrame
		if i < 2 {
			want = CodePlainPayload
		}
		a.say(`{"drover":"send","id":%d,"worker":"app-2","type":"t",%s}`, i+2, payload)
		a.refused(i+2, want)
	}
	a.say(`{"drover":"send","id":20,"worker":"app-2","type":"t"}`)
	a.refused(20, CodePlainPayload)
	a.say(`{"drover":"send","id":21,"worker":"app-2","type":"t","jwe":{"jobs":"x"}}`)
	a.refused(21, CodeRefused)
	a.say(`{"bare":"secret"}`)
	b.quiet()
	jwe := keys.token(t, "app", "app-1.1", "t", 1, `42`)
	a.say(`{"drover":"request","id":30,"worker":"app-2","type":"t","jwe":{"app":"%s","x":"y"}}`, jwe)
	b.expectBegin(`{"drover":"request","id":1,"from":"app-1.1","type":"t","jwe":"` + jwe + `"`)
	b.say(`{"drover":"response","id":1,"data":"plain"}`)
	a.refused(30, CodePlainPayload)
}

func TestHostile_DroverTakesAnAnswerOnce(t *testing.T) {
	s := newSite(t, Options{Keys: NewKeyring(), Pools: pools("app")})
	a, keys := s.secretWorker("app-1.1")
	_, others := s.secretWorker("app-2.1")
	id := 0
	f := func(jwe, want string) {
		t.Helper()
		done := make(chan error, 1)
		go func() {
			answer, err := s.hub.Request(t.Context(), Target{Worker: "app-1"}, "ask", []byte(`1`))
			if err == nil && string(answer.Data) != `{"a":1}` {
				err = fmt.Errorf("answer %s", answer.Data)
			}
			done <- err
		}()
		id++
		a.expectBegin(fmt.Sprintf(`{"drover":"request","id":%d,"from":"drover","type":"ask","jwe":"ey`, id))
		a.say(`{"drover":"response","id":%d,"jwe":%s}`, id, jwe)
		if err := <-done; codeIn(err) != want {
			t.Errorf("an answer of %.60s…: %v, want %s", jwe, err, want)
		}
	}
	quoted := func(s string) string { return `"` + s + `"` }
	first := quoted(keys.token(t, "drover", "app-1.1", "ask", 5, `{"a":1}`))
	f(first, "")
	f(first, CodeRefused)
	f(quoted(keys.token(t, "drover", "app-1.1", "ask", 4, `{"a":1}`)), CodeRefused)
	f(quoted(keys.token(t, "drover", "app-1.1", "other", 6, `{"a":1}`)), CodeRefused)
	f(quoted(others.token(t, "drover", "app-2.1", "ask", 7, `{"a":1}`)), CodeRefused)
	f(quoted(keys.token(t, "app", "app-1.1", "ask", 8, `{"a":1}`)), CodeRefused)
	f(`""`, CodeRefused)
	f(`{"drover":"x"}`, CodeBadFrame)
	f(quoted(keys.token(t, "drover", "app-1.1", "ask", 9, `{"a":1}`)), "")
}

func TestHostile_ManyEncryptedAnswersAtOnceAreAllTaken(t *testing.T) {
	s := newSite(t, Options{Keys: NewKeyring(), Pools: pools("app"), RequestTimeout: time.Hour})
	a, keys := s.secretWorker("app-1.1")
	const many = 500
	var asking sync.WaitGroup
	for range many {
		asking.Go(func() {
			if _, err := s.hub.Request(t.Context(), Target{Worker: "app-1"}, "ask", []byte(`1`)); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range many {
		a.expectBegin(fmt.Sprintf(`{"drover":"request","id":%d,`, i+1))
		a.say(`{"drover":"response","id":%d,"jwe":"%s"}`, i+1, keys.token(t, "drover", "app-1.1", "ask", i+1, `1`))
	}
	asking.Wait()
}

func TestHostile_KeysAreRenewedForAllWhoSaidHello(t *testing.T) {
	keys := NewKeyring()
	s := newSite(t, Options{Keys: keys, Pools: pools("app")})
	a, _ := s.secretWorker("app-1.1")
	b := s.worker("app-2.1", false)
	b.say(`{"drover":"hello","id":1,"version":1}`) // does not acknowledge, and encrypts all the same
	secrets(t, b)
	bare := s.worker("app-3.1", false)
	keys.Rotate()
	s.hub.GiveKeys()
	for _, w := range []*stand{a, b} {
		w.expectBegin(`{"drover":"keys","receive":{"pool":"app","keys":[{"kid":"app.3",`)
	}
	bare.quiet()
}

// FuzzHub gives a hub the lines of a worker that may say anything, and looks at
// what another worker and itself get to hear of it.
func FuzzHub(f *testing.F) {
	for _, seed := range []string{
		`{"drover":"send","id":2,"worker":"app-2","type":"t","data":{"a":[1]}}`,
		`{"drover":"broadcast","id":3,"pool":"*","type":"t"}` + "\n" + `{"drover":"publish","topic":"x","data":"\u2028"}`,
		`{"drover":"request","id":4,"worker":"app-2.1","type":"t","timeoutMs":1}` + "\n" + `{"drover":"cancel","id":4}`,
		`{"drover":"subscribe","id":5,"topics":["a*"],"events":["*"]}`,
		`{"drover":"hello","id":6,"version":1,"acks":true}` + "\n" + `{"drover":"ack","seq":1}`,
		`{"drover":"pong","id":1,"checks":[{"name":"a","details":{}}]}`,
		`{"drover":"cache","id":7,"ops":[["get","n","k"]]}`,
		`{"drover":"send","worker":"app-2","type":"t","from":"app-3"}`,
		`{"dr\u006fver":"send","data":"\ud800","id":9}`,
		`{"drover":"metrics","metrics":[]}`, `"ready"`, `[[[]]]`, "\xff", `{"type":"ready","cmd":"NODE_x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		h := &Hub{open: make(map[*Endpoint]struct{}), options: Options{Cache: echoCache{}, RequestTimeout: time.Hour}}
		h.options.complete()
		h.present.Store(&roster{})
		worker := func(id string) *Endpoint {
			e := &Endpoint{hub: h, id: id, place: parsePlace(id), out: newOutbox(10), ready: make(chan struct{}), asked: make(map[uint64]*call), duties: make(map[uint64]*call)}
			e.takes.Store(true)
			e.acks.Store(true)
			h.present.Store(h.present.Load().with(e))
			return e
		}
		a, b := worker("app-1.1"), worker("app-2.1")
		b.topics, b.events = Patterns{{open: true}}, Patterns{{open: true}}
		var p parser
		var batch batch
		for line := range bytes.SplitSeq(said, []byte("\n")) {
			a.read(&p, slices.Clone(line), false, &batch)
		}
		for _, heard := range heardBy(t, b) {
			switch heard.Drover {
			case "message", "request":
				if heard.From != "app-1.1" || !validName(heard.Type+heard.Topic) {
					t.Fatalf("after %q app-2 heard %+v", said, heard)
				}
			case "event":
				if heard.Subject != "app-1.1" || heard.Kind != messageKind {
					t.Fatalf("after %q app-2 heard %+v", said, heard)
				}
			case "cancel":
			default:
				t.Fatalf("after %q app-2 heard %+v", said, heard)
			}
		}
		for _, heard := range heardBy(t, a) {
			if heard.Drover != "reply" || heard.ID == 0 {
				t.Fatalf("after %q app-1 heard %+v", said, heard)
			}
		}
		a.leave()
		b.leave()
		if len(a.asked)+len(a.duties)+len(b.asked)+len(b.duties)+len(b.inbox.unread) > 0 || b.inbox.kept+b.dutyKept != 0 {
			t.Fatalf("after %q something is left", said)
		}
	})
}

type heard struct {
	Drover, From, Type, Topic, Kind, Subject string
	ID                                       uint64
}

// heardBy reads what waits for a worker, of which each line has to be JSON.
func heardBy(t *testing.T, e *Endpoint) []heard {
	e.out.mu.Lock()
	defer e.out.mu.Unlock()
	var all []heard
	for line := range bytes.Lines(e.out.pending) {
		var h heard
		if err := json.Unmarshal(line, &h); err != nil {
			t.Fatalf("%s is to be told %q: %v", e.id, line, err)
		}
		all = append(all, h)
	}
	return all
}

func pools(names ...string) func() []string { return func() []string { return names } }

// lateCache answers when it is told to.
type lateCache struct {
	mu      sync.Mutex
	replies []func([]byte)
}

func (c *lateCache) Serve(_ string, _ []byte, reply func([]byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies = append(c.replies, reply)
}

func (c *lateCache) Gone(string) {}

func (c *lateCache) all() []func([]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.replies)
}

func TestHostile_LateAnswersDoNotPileUp(t *testing.T) {
	var late lateCache
	s := newSite(t, Options{Cache: &late, RequestTimeout: time.Hour})
	deaf, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	const asked = 24
	value := `"` + strings.Repeat("x", 1<<20-2) + `"`
	for i := range asked { // all of them before it stops to read
		deaf.say(`{"drover":"cache","id":%d,"ops":[["lease","n","k"]]}`, i+100)
		deaf.say(`{"drover":"request","id":%d,"worker":"app-2","type":"t"}`, i+200)
		b.expectBegin(fmt.Sprintf(`{"drover":"request","id":%d,`, i+1))
	}
	waitFor(t, "the cache to be asked", func() bool { return len(late.all()) == asked })
	for _, reply := range late.all() {
		reply([]byte("[" + value + "]"))
	}
	for i := range asked {
		b.say(`{"drover":"response","id":%d,"data":%s}`, i+1, value)
	}
	b.quiet() // they are there
	if n := deaf.waits(); n > 2*maxQueued+2<<20 {
		t.Errorf("%d bytes wait for the one that does not read", n)
	}
	if got := deaf.answers(2 * asked); got[resultOK] < 30 || got[resultOK]+got[CodeQueueFull] != 2*asked {
		t.Errorf("the one that read late was answered %v", got)
	}
}

func TestHostile_AHubClosesWhileAFlooderIsStopped(t *testing.T) {
	s := newSite(t, Options{QueueLength: 10})
	deaf := s.worker("app-1.1", true)
	line := []byte(strings.Repeat(`{"drover":"x","id":7}`+"\n", 1000))
	for stopped := false; !stopped; {
		if err := deaf.end.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err := deaf.end.Write(line)
		stopped = err != nil
	}
	closed := make(chan error, 1)
	go func() { closed <- s.hub.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the hub does not close")
	}
}
