package ipc

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/drover-proxy/drover/event"
)

func TestMessages_SendIsAcknowledged(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"send","id":5,"worker":"app-2","type":"price.changed","data":{"sku":42}}`)
	b.expect(`{"drover":"message","seq":1,"from":"app-1.1","type":"price.changed","data":{"sku":42}}`)
	a.quiet() // not before the receiver has it
	b.say(`{"drover":"ack","seq":1}`)
	a.expect(`{"drover":"reply","id":5,"data":{"worker":"app-2.1","acknowledged":true}}`)
}

func TestMessages_SendToAWorkerThatDoesNotAcknowledge(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", false)
	b.quiet() // takes part
	a.say(`{"drover":"send","id":5,"worker":"app-2.1","type":"t"}`)
	b.expect(`{"drover":"message","from":"app-1.1","type":"t","data":null}`)
	a.expect(`{"drover":"reply","id":5,"data":{"worker":"app-2.1","acknowledged":false}}`)
}

func TestMessages_BroadcastSaysHowManyReceivedIt(t *testing.T) {
	s := newSite(t, Options{})
	a, b, c, d := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", false), s.worker("app-4.1", true)
	other := s.worker("jobs-1.1", true)
	c.quiet()
	a.say(`{"drover":"broadcast","id":7,"type":"t","data":[1]}`)
	b.expect(`{"drover":"message","seq":1,"from":"app-1.1","type":"t","data":[1]}`)
	c.expect(`{"drover":"message","from":"app-1.1","type":"t","data":[1]}`)
	d.expect(`{"drover":"message","seq":1,"from":"app-1.1","type":"t","data":[1]}`)
	b.say(`{"drover":"ack","seq":1}`)
	d.say(`{"drover":"nack","seq":1,"error":{"code":"refused","message":"no"}}`)
	a.expect(`{"drover":"reply","id":7,"data":{"received":1,"sent":1,"failed":[{"worker":"app-4.1","code":"refused","message":"no"}]}}`)
	a.quiet() // a sender does not hear itself
	other.quiet()
}

func TestMessages_AckIsForAllUpTo(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	for i := range 3 {
		a.say(`{"drover":"send","id":%d,"worker":"app-2","type":"t"}`, i+1)
		b.expect(fmt.Sprintf(`{"drover":"message","seq":%d,"from":"app-1.1","type":"t","data":null}`, i+1))
	}
	b.say(`{"drover":"ack","seq":2}`)
	a.expect(`{"drover":"reply","id":1,"data":{"worker":"app-2.1","acknowledged":true}}`)
	a.expect(`{"drover":"reply","id":2,"data":{"worker":"app-2.1","acknowledged":true}}`)
	a.quiet()
	b.say(`{"drover":"ack","seq":3}`)
	a.expect(`{"drover":"reply","id":3,"data":{"worker":"app-2.1","acknowledged":true}}`)
}

func TestMessages_AReceiverThatEndsFailsThem(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"send","id":5,"worker":"app-2","type":"t"}`)
	a.say(`{"drover":"broadcast","id":6,"type":"t"}`)
	b.expectBegin(`{"drover":"message","seq":1,`)
	b.die()
	a.expect(`{"drover":"reply","id":5,"error":{"code":"worker-gone","message":"worker app-2.1 ended"}}`)
	a.expect(`{"drover":"reply","id":6,"data":{"received":0,"sent":0,"failed":[{"worker":"app-2.1","code":"worker-gone","message":"worker app-2.1 ended"}]}}`)
	a.say(`{"drover":"send","id":8,"worker":"app-2","type":"t"}`)
	a.expectBegin(`{"drover":"reply","id":8,"error":{"code":"no-target",`)
}

func TestMessages_AReceiverThatDoesNotAcknowledgeIsToldApart(t *testing.T) {
	s := newSite(t, Options{RequestTimeout: 50 * time.Millisecond})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"send","id":5,"worker":"app-2","type":"t"}`)
	a.expectBegin(`{"drover":"reply","id":5,"error":{"code":"timeout",`)
	b.expectBegin(`{"drover":"message","seq":1,`)
	b.say(`{"drover":"ack","seq":1}`) // too late, and nobody is told twice
	a.quiet()
}

func TestMessages_ASlowWorkerDelaysNobody(t *testing.T) {
	s := newSite(t, Options{QueueLength: 10, RequestTimeout: 100 * time.Millisecond})
	a, slow, b := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	full := 0
	for i := range 30 { // slow acknowledges nothing
		a.say(`{"drover":"broadcast","id":%d,"type":"t"}`, i+1)
		b.expectBegin(fmt.Sprintf(`{"drover":"message","seq":%d,`, i+1))
		b.say(`{"drover":"ack","seq":%d}`, i+1)
		b.quiet() // the acknowledgement was read
	}
	for range 30 {
		got := a.hear()
		switch {
		case contains(got, `"received":1,"sent":0,"failed":[{"worker":"app-2.1","code":"queue-full"`):
			full++
		case contains(got, `"received":1,"sent":0,"failed":[{"worker":"app-2.1","code":"timeout"`):
		default:
			t.Fatalf("heard %s", got)
		}
	}
	if full != 20 {
		t.Errorf("the queue of 10 was full %d times, want 20", full)
	}
	_ = slow
}

func TestMessages_AWorkerThatReadsNothingHasABoundedQueue(t *testing.T) {
	s := newSite(t, Options{RequestTimeout: time.Second})
	a, deaf := s.worker("app-1.1", true), s.worker("app-2.1", false)
	deaf.quiet()
	big := make([]byte, 900_000)
	for i := range big {
		big[i] = 'x'
	}
	failed := 0
	for i := range 30 {
		a.say(`{"drover":"send","id":%d,"worker":"app-2","type":"t","data":"%s"}`, i+1, big)
		if contains(a.hear(), `"queue-full"`) {
			failed++
		}
	}
	if failed < 5 || failed > 15 { // 16 MB hold 18, beside what the socket took
		t.Errorf("%d of 30 messages were refused", failed)
	}
	deaf.e.out.mu.Lock()
	defer deaf.e.out.mu.Unlock()
	if n := len(deaf.e.out.pending); n > maxQueued+2<<20 {
		t.Errorf("%d bytes wait", n)
	}
}

func TestMessages_GoToOneOfAPool(t *testing.T) {
	busy := map[string]int64{"app-2.1": 5, "app-3.1": 1, "app-4.1": 0}
	s := newSite(t, Options{Load: func(_, id string) (int64, bool) { return busy[id], id != "app-4.1" }})
	a := s.worker("app-1.1", true)
	b, c, d := s.worker("app-2.1", true), s.worker("app-3.1", true), s.worker("app-4.1", true)
	for range 5 {
		a.say(`{"drover":"send","pool":"app","pick":"least-busy","type":"t"}`)
		c.expectBegin(`{"drover":"message"`)
	}
	b.quiet()
	d.quiet() // not ready, so only if nobody else is there
	got := map[string]bool{}
	for i := range 100 {
		a.say(`{"drover":"request","id":%d,"type":"t"}`, i+1)
	}
	for range 100 {
		got[s.answerAny(b, c)] = true
	}
	if len(got) != 2 {
		t.Errorf("requests went to %v", got)
	}
}

// answerAny reads one request at whichever of two workers has one.
func (s *site) answerAny(a, b *stand) string {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		for _, w := range []*stand{a, b} {
			_ = w.end.SetReadDeadline(time.Now().Add(time.Millisecond))
			if line, err := w.in.ReadString('\n'); err == nil {
				if !contains(line, `{"drover":"request"`) {
					s.t.Fatalf("%s heard %s", w.id, line)
				}
				return w.id
			}
		}
	}
	s.t.Fatal("no request came")
	return ""
}

func TestMessages_TopicsReachSubscribers(t *testing.T) {
	s := newSite(t, Options{})
	a, b, c := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	b.say(`{"drover":"subscribe","id":2,"topics":["orders.*","x"]}`)
	b.expect(`{"drover":"reply","id":2,"data":{}}`)
	a.say(`{"drover":"publish","id":9,"topic":"orders.new","data":{"order":7}}`)
	b.expect(`{"drover":"message","seq":1,"from":"app-1.1","topic":"orders.new","data":{"order":7}}`)
	b.say(`{"drover":"ack","seq":1}`)
	a.expect(`{"drover":"reply","id":9,"data":{"received":1,"sent":0,"failed":[]}}`)
	c.quiet()
	b.say(`{"drover":"unsubscribe","id":3,"topics":["orders.*"]}`)
	b.expect(`{"drover":"reply","id":3,"data":{}}`)
	a.say(`{"drover":"publish","id":10,"topic":"orders.new"}`)
	a.expect(`{"drover":"reply","id":10,"data":{"received":0,"sent":0,"failed":[]}}`)
}

func TestMessages_EventsReachSubscribers(t *testing.T) {
	bus := event.NewBus(10)
	s := newSite(t, Options{Bus: bus})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.hub.Run(ctx) }()
	defer func() { cancel(); <-done }()
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	other := s.worker("jobs-1.1", true)
	for _, w := range []*stand{a, other} {
		w.say(`{"drover":"subscribe","id":2,"events":["worker-*","message"]}`)
		w.expect(`{"drover":"reply","id":2,"data":{}}`)
	}
	at := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	for len(bus.Recent()) == 0 || s.hub == nil {
		bus.Publish(event.Event{Time: at, Kind: event.WorkerReady, Subject: "app-3.1", Message: "worker app-3.1 is ready"})
	}
	a.expect(`{"drover":"event","time":"2026-01-02T15:04:05.678Z","kind":"worker-ready","subject":"app-3.1","message":"worker app-3.1 is ready"}`)
	other.expectBegin(`{"drover":"event"`)
	b.say(`{"hello":"there"}`) // process.send of an application that knows nothing of drover
	a.expectBegin(`{"drover":"event","time":"`)
	other.quiet() // bare values stay within the pool
	b.quiet()
}

func TestRequests_AreAnswered(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"price.get","data":42,"timeoutMs":2000}`)
	b.expect(`{"drover":"request","id":1,"from":"app-1.1","type":"price.get","data":42,"timeoutMs":2000}`)
	b.say(`{"drover":"response","id":1,"data":{"price":3}}`)
	a.expect(`{"drover":"reply","id":10,"from":"app-2.1","data":{"price":3}}`)
	b.say(`{"drover":"response","id":1,"data":"again"}`) // forgotten
	b.quiet()                                            // and not told to cancel
	a.quiet()
	a.say(`{"drover":"request","id":11,"worker":"app-2","type":"price.get"}`)
	b.expectBegin(`{"drover":"request","id":2,`)
	b.say(`{"drover":"response","id":2,"error":{"code":"handler-error","message":"boom"}}`)
	a.expect(`{"drover":"reply","id":11,"error":{"code":"handler-error","message":"boom"}}`)
}

func TestRequests_EndWithTheirTime(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"t","timeoutMs":30}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	a.expectBegin(`{"drover":"reply","id":10,"error":{"code":"timeout"`)
	b.expect(`{"drover":"cancel","id":1}`)
}

func TestRequests_AreCancelled(t *testing.T) {
	s := newSite(t, Options{})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	a.say(`{"drover":"cancel","id":10}`)
	a.expect(`{"drover":"reply","id":10,"error":{"code":"cancelled","message":"the requester cancelled it"}}`)
	b.expect(`{"drover":"cancel","id":1}`)
	a.say(`{"drover":"cancel","id":10}`) // twice is nothing
	a.quiet()
}

func TestRequests_EndWithEitherSide(t *testing.T) {
	s := newSite(t, Options{})
	a, b, c := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-3.1", true)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	b.die()
	a.expect(`{"drover":"reply","id":10,"error":{"code":"worker-gone","message":"worker app-2.1 ended"}}`)
	a.say(`{"drover":"request","id":10,"worker":"app-3","type":"t"}`)
	c.expectBegin(`{"drover":"request","id":1,`)
	a.die()
	c.expect(`{"drover":"cancel","id":1}`)
}

func TestRequests_WithOneIDAreRefused(t *testing.T) {
	s := newSite(t, Options{QueueLength: 2})
	a, b := s.worker("app-1.1", true), s.worker("app-2.1", true)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"t"}`)
	a.say(`{"drover":"request","id":10,"worker":"app-2","type":"t"}`)
	a.expectBegin(`{"drover":"reply","id":10,"error":{"code":"duplicate-id"`)
	a.say(`{"drover":"request","id":11,"worker":"app-2","type":"t"}`)
	a.say(`{"drover":"request","id":12,"worker":"app-2","type":"t"}`)
	a.expectBegin(`{"drover":"reply","id":12,"error":{"code":"too-many-requests"`)
	_ = b
}

func TestHub_SaysAndAsks(t *testing.T) {
	s := newSite(t, Options{})
	a := s.worker("app-1.1", true)
	asked := make(chan error, 1)
	go func() {
		answer, err := s.hub.Request(t.Context(), Target{Worker: "app-1"}, "price.get", []byte("{\n \"sku\": 42 }"))
		if err == nil && (answer.From != "app-1.1" || string(answer.Data) != `[3]`) {
			err = fmt.Errorf("answer %+v", answer)
		}
		asked <- err
	}()
	a.expectBegin(`{"drover":"request","id":1,"from":"drover","type":"price.get","data":{"sku":42},"timeoutMs":`)
	a.say(`{"drover":"response","id":1,"data":[3]}`)
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() {
		r, err := s.hub.Broadcast(t.Context(), "*", "t", []byte(`1`))
		if err == nil && (r.Received != 1 || r.Sent != 0 || len(r.Failed) != 0) {
			err = fmt.Errorf("result %+v", r)
		}
		told <- err
	}()
	a.expect(`{"drover":"message","seq":1,"from":"drover","type":"t","data":1}`)
	a.say(`{"drover":"ack","seq":1}`)
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if _, err := s.hub.Send(t.Context(), Target{Worker: "app-9"}, "t", []byte("1")); codeIn(err) != CodeNoTarget {
		t.Errorf("send to nobody: %v", err)
	}
	if _, err := s.hub.Broadcast(t.Context(), "nobody", "t", []byte("1")); codeIn(err) != CodeNoTarget {
		t.Errorf("broadcast to no pool: %v", err)
	}
	if _, err := s.hub.Send(t.Context(), Target{Worker: "app-1"}, "t", []byte("{")); codeIn(err) != CodeBadFrame {
		t.Errorf("what is no JSON: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.hub.Request(ctx, Target{Worker: "app-1"}, "t", []byte("1")); codeIn(err) != CodeTimeout {
		t.Errorf("a request without an answer: %v", err)
	}
}

func codeIn(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func TestHealth_IsAskedOverTheChannel(t *testing.T) {
	s := newSite(t, Options{})
	a := s.worker("app-1.1", true)
	ping := func() chan error {
		done := make(chan error, 1)
		go func() { done <- s.hub.Ping(t.Context(), "app-1.1") }()
		return done
	}
	done := ping()
	a.expect(`{"drover":"ping","id":1}`)
	a.say(`{"drover":"pong","id":1,"loopDelayMs":0.4,"checks":[{"name":"db","ok":true,"ms":1.2,"details":{"open":4}}]}`)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if h, ok := s.hub.Health("app-1.1"); !ok || h.LoopDelayMS != 0.4 || len(h.Checks) != 1 || string(h.Checks[0].Details) != `{"open":4}` {
		t.Errorf("health %+v, %v", h, ok)
	}
	done = ping()
	a.expect(`{"drover":"ping","id":2}`)
	a.say(`{"drover":"pong","id":2,"checks":[{"name":"disk","ok":false,"message":"full"},{"name":"db","ok":true}]}`)
	if err := <-done; err == nil || err.Error() != "checks failed: disk: full" {
		t.Errorf("error %v", err)
	}
	done = ping()
	a.expect(`{"drover":"ping","id":3}`)
	a.die()
	if err := <-done; codeIn(err) != CodeWorkerGone {
		t.Errorf("error %v", err)
	}
}

func TestRoster_PrefersTheNewestThatTakesPart(t *testing.T) {
	s := newSite(t, Options{Load: func(string, string) (int64, bool) { return 0, false }})
	a, old, next := s.worker("app-1.1", true), s.worker("app-2.1", true), s.worker("app-2.2", false)
	a.say(`{"drover":"send","worker":"app-2","type":"t"}`)
	old.expectBegin(`{"drover":"message"`)
	next.quiet() // takes part from now on
	a.say(`{"drover":"send","worker":"app-2","type":"t"}`)
	next.expectBegin(`{"drover":"message"`)
	a.say(`{"drover":"send","worker":"app-2.1","type":"t"}`)
	old.expectBegin(`{"drover":"message","seq":2`)
}
