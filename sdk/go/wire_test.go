package drover

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// The lines are those of docs/ipc-protocol.md, byte by byte.

func TestWire_HelloSaysWhoThisIs(t *testing.T) {
	inProtocol(t, greeting)
	f := newFake(t)
	if got, want := f.Worker(), (Worker{ID: "app-1.1", Pool: "app", Slot: 1, Generation: 1}); got != want {
		t.Errorf("the worker is %+v, want %+v", got, want)
	}
}

func TestWire_HelloIsRefused(t *testing.T) {
	ours, theirs := pair(t)
	conn := connOf(t, ours)
	go func() {
		line := make([]byte, 1000)
		n, _ := conn.Read(line)
		if want := `{"drover":"hello","id":1,"version":1,"client":"go/1.0.0","acks":true,"key":"k\"1"}` + "\n"; string(line[:n]) != want {
			t.Errorf("the client said %q", line[:n])
		}
		_, _ = conn.Write([]byte(`{"drover":"reply","id":1,"error":{"code":"key","message":"used"}}` + "\n"))
		_ = conn.Close()
	}()
	_, err := newClient(t.Context(), connOf(t, theirs), `k"1`)
	if !errors.Is(err, &Error{Code: "key"}) {
		t.Errorf("error is %v", err)
	}
}

func TestWire_CollectsGarbageWhenAsked(t *testing.T) {
	f := newFake(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no other collection than the one that is asked for
	collected := make(chan struct{})
	garbage := new([64]byte)
	runtime.AddCleanup(garbage, func(done chan struct{}) { close(done) }, collected)
	f.send(inProtocol(t, `{"drover":"gc"}`))
	receive(t, collected)
}

func TestWire_ReadyAndShutdown(t *testing.T) {
	f := newFake(t)
	if err := f.Ready(); err != nil {
		t.Fatal(err)
	}
	f.expect(inProtocol(t, `{"drover":"ready"}`))
	left := make(chan time.Duration, 1)
	f.OnShutdown(func(ctx context.Context) {
		deadline, _ := ctx.Deadline()
		left <- time.Until(deadline)
	})
	ctx, stop := f.NotifyContext(t.Context())
	defer stop()
	f.send(inProtocol(t, `{"drover":"shutdown","type":"shutdown","graceSeconds":30}`))
	if got := receive(t, left); got > 30*time.Second || got < 20*time.Second {
		t.Errorf("%v are left, want 30 seconds", got)
	}
	receive(t, f.Shutdown())
	receive(t, ctx.Done())
}

func TestWire_SendToAWorker(t *testing.T) {
	f := newFake(t)
	f.id(5)
	got, err := exchange(f, inProtocol(t, `{"drover":"send","id":5,"worker":"app-2","type":"price.changed","data":{"sku":42}}`),
		inProtocol(t, `{"drover":"reply","id":5,"data":{"worker":"app-2.1","acknowledged":true}}`),
		func(ctx context.Context) (Delivery, error) {
			return f.SendTo(ctx, "app-2", "price.changed", map[string]int{"sku": 42})
		})
	if want := (Delivery{"app-2.1", true}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWire_SendFails(t *testing.T) {
	f := newFake(t)
	f.id(5)
	_, err := exchange(f, `{"drover":"send","id":5,"worker":"app-9","type":"t","data":null}`,
		inProtocol(t, `{"drover":"reply","id":5,"error":{"code":"no-target","message":"there is no worker app-9"}}`),
		func(ctx context.Context) (Delivery, error) { return f.SendTo(ctx, "app-9", "t", nil) })
	if !errors.Is(err, ErrNoTarget) || err.Error() != "send t: no-target: there is no worker app-9" {
		t.Errorf("error is %v", err)
	}
}

func TestWire_SendToOneOfAPool(t *testing.T) {
	f := newFake(t)
	answer := func(id string) string {
		return `{"drover":"reply","id":` + id + `,"data":{"worker":"jobs-1.1","acknowledged":false}}`
	}
	f.id(6)
	got, err := exchange(f, inProtocol(t, `{"drover":"send","id":6,"pool":"jobs","pick":"least-busy","type":"task.run","data":[1,2]}`), answer("6"),
		func(ctx context.Context) (Delivery, error) {
			return f.Send(ctx, Target{Pool: "jobs", Pick: LeastBusy}, "task.run", []int{1, 2})
		})
	if want := (Delivery{"jobs-1.1", false}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := exchange(f, `{"drover":"send","id":7,"pool":"jobs","type":"a<b","data":"<>&é"}`, answer("7"),
		func(ctx context.Context) (Delivery, error) { return f.SendToRandom(ctx, "jobs", "a<b", "<>&é") }); err != nil {
		t.Error(err)
	}
	if _, err := exchange(f, `{"drover":"send","id":8,"type":"t","data":{"x":[1]}}`, answer("8"),
		func(ctx context.Context) (Delivery, error) {
			return f.SendToRandom(ctx, "", "t", json.RawMessage("{\n\"x\":\t[1]}"))
		}); err != nil {
		t.Error(err)
	}
}

func TestWire_Broadcast(t *testing.T) {
	f := newFake(t)
	f.id(7)
	got, err := exchange(f, inProtocol(t, `{"drover":"broadcast","id":7,"type":"price.changed","data":{"sku":42}}`),
		inProtocol(t, `{"drover":"reply","id":7,"data":{"received":2,"sent":1,"failed":[{"worker":"app-4.1","code":"queue-full","message":"…"}]}}`),
		func(ctx context.Context) (Result, error) {
			return f.Broadcast(ctx, "price.changed", map[string]int{"sku": 42})
		})
	if want := (Result{2, 1, []Failure{{"app-4.1", "queue-full", "…"}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err = exchange(f, inProtocol(t, `{"drover":"broadcast","id":8,"pool":"*","type":"price.changed","data":{"sku":42}}`),
		`{"drover":"reply","id":8,"data":{"received":0,"sent":0,"failed":[]}}`,
		func(ctx context.Context) (Result, error) {
			return f.BroadcastTo(ctx, AllPools, "price.changed", map[string]int{"sku": 42})
		}); err != nil {
		t.Error(err)
	}
	if _, err = exchange(f, inProtocol(t, `{"drover":"publish","id":9,"topic":"orders.new","data":{"order":7}}`),
		`{"drover":"reply","id":9,"data":{"received":0,"sent":0,"failed":[]}}`,
		func(ctx context.Context) (Result, error) {
			return f.Publish(ctx, "orders.new", map[string]int{"order": 7})
		}); err != nil {
		t.Error(err)
	}
}

func TestWire_Request(t *testing.T) {
	f := newFake(t)
	f.id(10)
	answer, err := exchange(f, `{"drover":"request","id":10,"worker":"app-2","type":"price.get","data":42}`,
		inProtocol(t, `{"drover":"reply","id":10,"from":"app-2.1","data":{"price":3}}`),
		func(ctx context.Context) (Answer, error) {
			return f.Request(ctx, Target{Worker: "app-2"}, "price.get", 42)
		})
	if err != nil || answer.From != "app-2.1" || string(answer.Data) != `{"price":3}` {
		t.Errorf("got %+v, %v", answer, err)
	}
	price, err := exchange(f, `{"drover":"request","id":11,"worker":"app-2","type":"price.get","data":42}`,
		`{"drover":"reply","id":11,"from":"app-2.1","data":{"price":3}}`,
		func(ctx context.Context) (struct{ Price int }, error) {
			return Request[struct{ Price int }](ctx, f.Client, Target{Worker: "app-2"}, "price.get", 42)
		})
	if err != nil || price.Price != 3 {
		t.Errorf("got %+v, %v", price, err)
	}
}

func TestWire_RequestHasTheTimeThatItsContextLeaves(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	go func() { _, _ = f.Request(ctx, Target{Worker: "app-2"}, "price.get", 42) }() // it is not answered
	var got struct {
		Verb      string `json:"drover"`
		TimeoutMs int    `json:"timeoutMs"`
	}
	line := f.next()
	if err := json.Unmarshal([]byte(line), &got); err != nil || got.TimeoutMs < 1000 || got.TimeoutMs > 2000 {
		t.Errorf("the client wrote %s", line)
	}
}

func TestWire_CancelOfTheRequester(t *testing.T) {
	f := newFake(t)
	f.id(10)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := f.Request(ctx, Target{Worker: "app-2"}, "price.get", 42)
		failed <- err
	}()
	f.next()
	cancel()
	f.expect(inProtocol(t, `{"drover":"cancel","id":10}`))
	if err := receive(t, failed); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	f.send(`{"drover":"reply","id":10,"error":{"code":"cancelled","message":""}}`) // is ignored
}

func TestWire_AnswersARequest(t *testing.T) {
	f := newFake(t, func(c *Client) {
		Handle(c, "price.get", func(_ context.Context, sku int) (map[string]int, error) {
			return map[string]int{"price": sku - 39}, nil
		})
		c.Handle("fails", func(context.Context, Message) (any, error) { return nil, errors.New("no luck") })
		c.Handle("fails.with", func(context.Context, Message) (any, error) { return nil, &Error{"sold-out", "none left"} })
		c.Handle("odd", func(context.Context, Message) (any, error) { return func() {}, nil })
	})
	f.send(inProtocol(t, `{"drover":"request","id":31,"from":"app-1.1","type":"price.get","data":42,"timeoutMs":2000}`))
	f.expect(inProtocol(t, `{"drover":"response","id":31,"data":{"price":3}}`))
	f.send(`{"drover":"request","id":32,"from":"app-1.1","type":"fails","data":1,"timeoutMs":2000}`)
	f.expect(`{"drover":"response","id":32,"error":{"code":"handler-error","message":"no luck"}}`)
	f.send(`{"drover":"request","id":33,"from":"app-1.1","type":"fails.with","data":1,"timeoutMs":2000}`)
	f.expect(`{"drover":"response","id":33,"error":{"code":"sold-out","message":"none left"}}`)
	f.send(`{"drover":"request","id":34,"from":"app-1.1","type":"nobody","data":1,"timeoutMs":2000}`)
	f.expect(`{"drover":"response","id":34,"error":{"code":"no-handler","message":"nobody handles nobody"}}`)
	f.send(`{"drover":"request","id":35,"from":"app-1.1","type":"price.get","data":"x","timeoutMs":2000}`)
	if got := f.next(); !strings.HasPrefix(got, `{"drover":"response","id":35,"error":{"code":"refused","message":"the data of price.get is not`) {
		t.Errorf("got %s", got)
	}
	f.send(`{"drover":"request","id":36,"from":"app-1.1","type":"odd","data":1,"timeoutMs":2000}`)
	if got := f.next(); !strings.HasPrefix(got, `{"drover":"response","id":36,"error":{"code":"handler-error",`) {
		t.Errorf("got %s", got)
	}
}

func TestWire_CancelReachesTheHandler(t *testing.T) {
	ended := make(chan error, 1)
	f := newFake(t, func(c *Client) {
		c.Handle("*", func(ctx context.Context, _ Message) (any, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		})
	})
	f.send(`{"drover":"request","id":31,"from":"app-1.1","type":"price.get","data":42,"timeoutMs":60000}`)
	f.send(inProtocol(t, `{"drover":"cancel","id":31}`))
	if err := receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended with %v", err)
	}
	f.expect(`{"drover":"response","id":31,"error":{"code":"timeout","message":"the handler gave up when its time was over"}}`) // drover ignores it
	f.send(`{"drover":"request","id":32,"from":"app-1.1","type":"price.get","data":42,"timeoutMs":1}`)
	if err := receive(t, ended); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context ended with %v", err)
	}
}

func TestWire_SubscribeAndEvents(t *testing.T) {
	f := newFake(t)
	f.id(11)
	got := make(chan Message, 10)
	stop, err := exchange(f, `{"drover":"subscribe","id":11,"topics":["orders.*"]}`, `{"drover":"reply","id":11,"data":true}`,
		func(ctx context.Context) (func(context.Context) error, error) {
			return f.Subscribe(ctx, "orders.*", func(_ context.Context, m Message) error {
				got <- m
				return nil
			})
		})
	if err != nil {
		t.Fatal(err)
	}
	f.send(inProtocol(t, `{"drover":"message","seq":8,"from":"app-1.1","topic":"orders.new","data":{"order":7}}`))
	if m := receive(t, got); m.Topic != "orders.new" || m.From != "app-1.1" || string(m.Data) != `{"order":7}` {
		t.Errorf("got %+v", m)
	}
	f.expect(inProtocol(t, `{"drover":"ack","seq":8}`))
	if _, err := exchange(f, inProtocol(t, `{"drover":"unsubscribe","id":12,"topics":["orders.*"]}`), `{"drover":"reply","id":12,"data":true}`,
		func(ctx context.Context) (any, error) { return nil, stop(ctx) }); err != nil {
		t.Error(err)
	}
	f.send(`{"drover":"message","seq":9,"from":"app-1.1","topic":"orders.new","data":{"order":7}}`)
	f.expect(`{"drover":"nack","seq":9,"error":{"code":"no-handler","message":"nobody handles orders.new"}}`)

	ctx, cancel := context.WithCancel(t.Context())
	events, err := exchange(f, `{"drover":"subscribe","id":13,"events":["worker-*","message"]}`, `{"drover":"reply","id":13,"data":true}`,
		func(context.Context) (<-chan Event, error) { return f.Events(ctx, "worker-*", "message") })
	if err != nil {
		t.Fatal(err)
	}
	f.send(inProtocol(t, `{"drover":"event","time":"2026-01-02T15:04:05.678Z","kind":"worker-ready","subject":"app-3.1","message":"worker app-3.1 is ready"}`))
	f.send(inProtocol(t, `{"drover":"event","time":"2026-01-02T15:04:05.678Z","kind":"message","subject":"app-3.1","data":{"hello":"there"}}`))
	at := time.Date(2026, 1, 2, 15, 4, 5, 678e6, time.UTC)
	if e := receive(t, events); !reflect.DeepEqual(e, Event{Time: at, Kind: "worker-ready", Subject: "app-3.1", Message: "worker app-3.1 is ready"}) {
		t.Errorf("got %+v", e)
	}
	if e := receive(t, events); e.Kind != "message" || string(e.Data) != `{"hello":"there"}` {
		t.Errorf("got %+v", e)
	}
	cancel()
	f.expect(`{"drover":"unsubscribe","id":14,"events":["worker-*","message"]}`)
	f.send(`{"drover":"reply","id":14,"data":true}`)
	if e, open := <-events; open {
		t.Errorf("after the end came %+v", e)
	}
}

func TestWire_Health(t *testing.T) {
	f := newFake(t)
	f.send(inProtocol(t, `{"drover":"ping","id":3}`))
	var pong struct {
		Verb        string    `json:"drover"`
		ID          int       `json:"id"`
		LoopDelayMs *float64  `json:"loopDelayMs"`
		Checks      []checked `json:"checks"`
	}
	line := f.next()
	if err := json.Unmarshal([]byte(line), &pong); err != nil || pong.Verb != "pong" || pong.ID != 3 || pong.LoopDelayMs == nil || pong.Checks != nil {
		t.Errorf("the client wrote %s", line)
	}
	f.Health("db", func(context.Context) (any, error) { return map[string]int{"open": 4}, nil })
	f.Health("disk", func(context.Context) (any, error) { return nil, errors.New("not full") })
	f.Health("disk", func(context.Context) (any, error) { return nil, errors.New("full") }) // in place of the other
	f.send(`{"drover":"ping","id":4}`)
	line = f.next()
	if err := json.Unmarshal([]byte(line), &pong); err != nil || len(pong.Checks) != 2 {
		t.Fatalf("the client wrote %s", line)
	}
	for i := range pong.Checks {
		pong.Checks[i].Ms = 0
	}
	if want := []checked{{Name: "db", OK: true, Details: json.RawMessage(`{"open":4}`)}, {Name: "disk", Message: "full"}}; !reflect.DeepEqual(pong.Checks, want) {
		t.Errorf("the client wrote %s", line)
	}
	raw, err := encode(checked{"disk", false, 0.1, "full", nil})
	if err != nil || !strings.Contains(inProtocol(t, string(raw)), "disk") {
		t.Error(err)
	}
}

func TestWire_Metrics(t *testing.T) {
	f := newFake(t)
	f.Metrics().Counter("orders_total", "Orders taken", "kind").Add(3, "new")
	f.metrics.push() // as the timer does
	f.expect(inProtocol(t, `{"drover":"metrics","metrics":[{"name":"orders_total","type":"counter","help":"Orders taken","samples":[{"labels":{"kind":"new"},"value":3}]}]}`))

	f = newFake(t)
	h := f.Metrics().Histogram("order_seconds", "", []float64{0.1, 1})
	for _, v := range []float64{0.1, 0.05, 0.05, 0.1, 0.6} {
		h.Observe(v)
	}
	f.metrics.push()
	f.expect(inProtocol(t, `{"drover":"metrics","metrics":[{"name":"order_seconds","type":"histogram","buckets":[0.1,1],"samples":[{"labels":{},"counts":[4,1,0],"sum":0.9}]}]}`))
}

func TestWire_Cache(t *testing.T) {
	f := newFake(t)
	f.id(20)
	users := f.Cache().Namespace("users")
	// What is queued before the writer comes to it goes out in one frame.
	f.out.mu.Lock()
	for _, op := range []line{
		users.op("set").item("7").raw([]byte(`{"name":"Ada"}`)).options(optionsOf([]SetOption{TTL(time.Minute), Tags("team:1")})),
		users.op("get").item("7"), users.op("get").item("8"),
	} {
		f.out.ops = append(f.out.ops, &cacheOp{text: append(op, ']'), done: func(json.RawMessage, error) {}})
	}
	f.out.wakeLocked()
	f.out.mu.Unlock()
	f.expect(inProtocol(t, `{"drover":"cache","id":20,"ops":[["set","users","7",{"name":"Ada"},{"ttlMs":60000,"tags":["team:1"]}],["get","users","7"],["get","users","8"]]}`))
	f.send(inProtocol(t, `{"drover":"reply","id":20,"data":[true,[{"name":"Ada"},60000],null]}`))
}
