package drover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func message7(seq int, from, kind string, data any) string {
	return fmt.Sprintf(`{"drover":"message","seq":%d,"from":"%s","type":"%s","data":%v}`, seq, from, kind, data)
}

func TestInbox_MessagesOfOneSenderKeepTheirOrder(t *testing.T) {
	var mu sync.Mutex
	var got []int
	f := newFake(t, func(c *Client) {
		On(c, "n", func(_ context.Context, _ string, n int) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, n)
			return nil
		})
	})
	const count = 1000
	var all []string
	for n := 1; n <= count; n++ {
		all = append(all, message7(n, "app-2.1", "n", n))
	}
	f.send(strings.Join(all, "\n"))
	var want []int
	for n := 1; n <= count; n++ {
		want = append(want, n)
	}
	// Fewer acknowledgements than messages: each is for all before.
	acks := 0
	for line := ""; line != fmt.Sprintf(`{"drover":"ack","seq":%d}`, count); acks++ {
		line = f.next()
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, want) {
		t.Errorf("they were handled in the order %v", got)
	}
	if acks > count {
		t.Errorf("%d acknowledgements for %d messages", acks, count)
	}
}

// A message is acknowledged when it is handled, and only with those before it.
func TestInbox_AcknowledgesWhatIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		f := newPiped(t, func(c *Client) {
			c.Handle("slow", func(context.Context, Message) (any, error) {
				<-goOn
				return nil, nil
			})
			c.Handle("fast", func(context.Context, Message) (any, error) { return nil, nil })
		})
		start := time.Now()
		f.send(message7(1, "app-2.1", "fast", 1))
		f.expect(`{"drover":"ack","seq":1}`)
		f.send(message7(2, "app-2.1", "slow", 1))
		f.send(message7(3, "app-3.1", "fast", 1)) // handled at once, but not those before it
		f.expect(`{"drover":"ack","seq":3}`)
		if took := time.Since(start); took != slowHandler {
			t.Errorf("the slow handler was waited for for %v, want %v", took, slowHandler)
		}
		f.send(message7(4, "app-2.1", "fast", 1)) // waits for the slow one, however long
		f.send(message7(5, "app-2.1", "nobody", 1))
		time.Sleep(time.Hour)
		close(goOn)
		f.expect(`{"drover":"nack","seq":5,"error":{"code":"no-handler","message":"nobody handles nobody"}}`) // and 4 is acknowledged with it
		if took := time.Since(start); took != slowHandler+time.Hour {
			t.Errorf("acknowledged after %v", took)
		}
		f.hangUp()
	})
}

// hangUp closes both ends, which in a bubble of synctest no cleanup can.
func (f *fake) hangUp() {
	_ = f.conn.Close()
	f.Close()
}

func TestInbox_AFailedHandlerRefusesItsMessage(t *testing.T) {
	f := newFake(t, func(c *Client) {
		c.Handle("ok", func(context.Context, Message) (any, error) { return nil, nil })
		c.Handle("fails", func(context.Context, Message) (any, error) { return nil, errors.New("no luck") })
	})
	f.send(message7(1, "app-2.1", "ok", 1) + "\n" + message7(2, "app-2.1", "fails", 1) + "\n" + message7(3, "app-2.1", "ok", 1))
	nacks, last := 0, ""
	for last != `{"drover":"ack","seq":3}` {
		last = f.next()
		if last == `{"drover":"nack","seq":2,"error":{"code":"handler-error","message":"no luck"}}` {
			nacks++
		}
	}
	if nacks != 1 {
		t.Errorf("%d refusals", nacks)
	}
}

func TestInbox_ConcurrentHandlersOverlap(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	f := newFake(t, func(c *Client) {
		c.Handle("meet", func(context.Context, Message) (any, error) {
			both.Done()
			both.Wait() // ends only when the other one is there, too
			return nil, nil
		}, Concurrent())
	})
	f.send(message7(1, "app-2.1", "meet", 1) + "\n" + message7(2, "app-2.1", "meet", 1))
	for f.next() != `{"drover":"ack","seq":2}` {
	}
}

func TestInbox_RefusesWhatItCannotHold(t *testing.T) {
	goOn := make(chan struct{})
	f := newFake(t, func(c *Client) {
		c.Handle("*", func(context.Context, Message) (any, error) {
			<-goOn
			return nil, nil
		})
	})
	var all []string
	for n := 1; n <= maxUnhandled+1; n++ {
		all = append(all, message7(n, "app-2.1", "n", n))
	}
	f.send(strings.Join(all, "\n"))
	f.send(`{"drover":"ping","id":1}`)
	for !strings.HasPrefix(f.next(), `{"drover":"pong"`) { // everything has been read
	}
	close(goOn)
	want := fmt.Sprintf(`{"drover":"nack","seq":%d,"error":{"code":"queue-full","message":"too many messages wait for their handlers"}}`, maxUnhandled+1)
	for f.next() != want {
	}
}

func TestInbox_WithoutSeqNothingIsAcknowledged(t *testing.T) {
	got := make(chan Message, 1)
	f := newFake(t, func(c *Client) {
		c.Handle("*", func(_ context.Context, m Message) (any, error) {
			got <- m
			return nil, errors.New("no luck")
		})
	})
	f.send(`{"drover":"message","from":"app-2.1","type":"x","data":1}`)
	receive(t, got)
	f.send(`{"drover":"ping","id":1}`)
	if line := f.next(); !strings.HasPrefix(line, `{"drover":"pong"`) {
		t.Errorf("the client wrote %s", line)
	}
}

func TestHandle_TheExactNameWinsThenTheLongestPattern(t *testing.T) {
	hs := newHandlers()
	for _, pattern := range []string{"*", "a.*", "a.b", "a.b*"} {
		hs.add(pattern, &handler{call: func(context.Context, Message) (any, error) { return pattern, nil }})
	}
	for kind, want := range map[string]string{"a.b": "a.b", "a.bc": "a.b*", "a.c": "a.*", "b": "*", "a": "*"} {
		if got, _ := hs.find(kind).call(t.Context(), Message{}); got != want {
			t.Errorf("%s is handled by %v, want %s", kind, got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("two handlers of one type are accepted")
		}
	}()
	hs.add("a.*", &handler{})
}

func TestClient_ClosedIsAnErrorForEverything(t *testing.T) {
	f := newFake(t)
	failed := make(chan error, 3)
	go func() {
		_, err := f.Request(t.Context(), Target{Worker: "app-2"}, "t", nil)
		failed <- err
	}()
	f.next()
	go func() {
		_, err := f.Cache().Get(t.Context(), "k", new(int))
		failed <- err
	}()
	f.next()
	events, err := exchange(f, `{"drover":"subscribe","id":4,"events":["*"]}`, `{"drover":"reply","id":4,"data":true}`,
		func(ctx context.Context) (<-chan Event, error) { return f.Events(ctx, "*") })
	if err != nil {
		t.Fatal(err)
	}
	_ = f.conn.Close() // drover is gone
	receive(t, f.Done())
	receive(t, f.Shutdown())
	for range 2 {
		if err := receive(t, failed); !errors.Is(err, ErrClosed) {
			t.Errorf("error is %v", err)
		}
	}
	if _, open := <-events; open {
		t.Error("the events go on")
	}
	if _, err := f.SendTo(t.Context(), "app-2", "t", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v", err)
	}
	if err := f.Cache().Set(t.Context(), "k", 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v", err)
	}
	if err := f.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v", err)
	}
	f.Close() // once more
}

func TestClient_CloseWritesWhatWaits(t *testing.T) {
	f := newFake(t)
	f.Metrics().Gauge("g", "").Set(1)
	if err := f.Ready(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f.expect(`{"drover":"ready"}`)
	f.expect(`{"drover":"metrics","metrics":[{"name":"g","type":"gauge","samples":[{"labels":{},"value":1}]}]}`)
}

func TestClient_TooLongALineFailsHere(t *testing.T) {
	f := newFake(t)
	big := strings.Repeat("x", 2<<20+64<<10)
	if _, err := f.SendTo(t.Context(), "app-2", "t", big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error is %v", err)
	}
	if err := f.Cache().Set(t.Context(), "k", big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error is %v", err)
	}
	f.calls.mu.Lock()
	defer f.calls.mu.Unlock()
	if len(f.calls.waiting) != 0 {
		t.Errorf("%d calls wait for nothing", len(f.calls.waiting))
	}
}

// Callers wait when drover does not read; a context ends that.
func TestOutbox_CallersWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newPiped(t) // a pipe holds nothing
		chunk := strings.Repeat("x", 1<<20)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := f.SendTo(ctx, "app-2", "t", chunk); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error is %v", err)
				}
			})
		}
		synctest.Wait()
		f.out.mu.Lock()
		waiting := f.out.waiting
		f.out.mu.Unlock()
		if waiting == 0 {
			t.Error("nothing waits")
		}
		all.Wait()
		f.hangUp()
	})
}

func TestClient_IgnoresWhatIsNoFrame(t *testing.T) {
	f := newFake(t)
	f.send("\n{}\nnull\n\"ready\"\n[1]\n{\"type\":\"shutdown\"}\n{\"drover\":\"new-verb\",\"x\":1}\n{\"drover\":7}\nnot json\n{\"drover\":\"reply\",\"id\":99,\"data\":1}")
	f.send(`{"drover":"ping","id":1}`)
	if line := f.next(); !strings.HasPrefix(line, `{"drover":"pong","id":1,`) {
		t.Errorf("the client wrote %s", line)
	}
	select {
	case <-f.Shutdown():
		t.Error("it shuts down")
	default:
	}
}
