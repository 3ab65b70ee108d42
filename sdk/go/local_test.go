package drover

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// alone runs a test in a cluster of one.
func alone(t *testing.T, test func(t *testing.T, c *Client), setup ...func(*Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := Local(setup...)
		defer c.Close()
		test(t, c)
	})
}

func TestLocal_MessagesToNobody(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		ctx := t.Context()
		if err := c.Ready(); err != nil {
			t.Error(err)
		}
		if got, err := c.Broadcast(ctx, "t", 1); err != nil || got.Received != 0 || len(got.Failed) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := c.Publish(ctx, "t", 1); err != nil {
			t.Error(err)
		}
		if _, err := c.SendToRandom(ctx, "", "t", 1); !errors.Is(err, ErrNoTarget) {
			t.Errorf("error is %v", err)
		}
		if _, err := c.Request(ctx, Target{Worker: "app-2"}, "t", 1); !errors.Is(err, ErrNoTarget) {
			t.Errorf("error is %v", err)
		}
		stop, err := c.Subscribe(ctx, "x", func(context.Context, Message) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestLocal_AWorkerReachesItself(t *testing.T) {
	var got atomic.Int64
	alone(t, func(t *testing.T, c *Client) {
		ctx := t.Context()
		me := c.Worker().ID
		if me != "app-1.1" {
			t.Errorf("this is %s", me)
		}
		if d, err := c.SendTo(ctx, "app-1", "n", 5); err != nil || d != (Delivery{me, true}) || got.Load() != 5 {
			t.Errorf("got %+v, %v; the handler %d", d, err, got.Load())
		}
		if _, err := c.SendTo(ctx, me, "none", 5); !errors.Is(err, ErrNoHandler) {
			t.Errorf("error is %v", err)
		}
		if n, err := Request[int](ctx, c, Target{Worker: me}, "double", 21); err != nil || n != 42 {
			t.Errorf("got %d, %v", n, err)
		}
		if _, err := c.Request(ctx, Target{Worker: me}, "double", "x"); !errors.Is(err, ErrRefused) {
			t.Errorf("error is %v", err)
		}
		start := time.Now()
		if _, err := c.Request(ctx, Target{Worker: me}, "hang", 1); !errors.Is(err, ErrTimeout) || time.Since(start) != localTimeout {
			t.Errorf("after %v the error is %v", time.Since(start), err)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		start = time.Now()
		if _, err := c.Request(short, Target{Worker: me}, "hang", 1); err == nil || time.Since(start) != time.Second {
			t.Errorf("after %v the error is %v", time.Since(start), err)
		}
	}, func(c *Client) {
		On(c, "n", func(_ context.Context, _ string, n int64) error { got.Store(n); return nil })
		Handle(c, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		c.Handle("hang", func(ctx context.Context, _ Message) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	})
}

func TestLocal_CacheKeepsAndForgets(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		ctx := t.Context()
		k := c.Cache().Namespace("users")
		want := func(key, want string) {
			t.Helper()
			var raw json.RawMessage
			ok, err := k.Get(ctx, key, &raw)
			if err != nil || ok != (want != "") || string(raw) != want {
				t.Errorf("%s is %s, %v, want %s", key, raw, err, want)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(k.Set(ctx, "a/1", 1, TTL(time.Minute), Tags("odd")))
		must(k.Set(ctx, "a/2", 2))
		must(k.Set(ctx, "b/3", "x", Tags("odd", "text")))
		want("a/1", "1")
		time.Sleep(time.Minute)
		want("a/1", "")
		if n, err := k.InvalidateTag(ctx, "odd"); n != 1 || err != nil {
			t.Errorf("%d went, %v", n, err)
		}
		want("b/3", "")
		if added, err := k.Add(ctx, "a/2", 5); added || err != nil {
			t.Errorf("added: %v, %v", added, err)
		}
		if added, err := k.Add(ctx, "a/4", 5, TTL(time.Second)); !added || err != nil {
			t.Errorf("added: %v, %v", added, err)
		}
		if n, err := k.Increment(ctx, "a/4", 2); n != 7 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		time.Sleep(time.Second) // an old number keeps its time
		if n, err := k.Increment(ctx, "a/4", -3); n != -3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		must(k.Set(ctx, "text", "x"))
		if _, err := k.Increment(ctx, "text", 1); !errors.Is(err, &Error{Code: "not-a-number"}) {
			t.Errorf("error is %v", err)
		}
		if n, err := k.InvalidatePrefix(ctx, "a/"); n != 2 || err != nil {
			t.Errorf("%d went, %v", n, err)
		}
		if there, err := k.Delete(ctx, "text"); !there || err != nil {
			t.Errorf("there: %v, %v", there, err)
		}
		must(c.Cache().Set(ctx, "text", "elsewhere"))
		want("text", "")
		stats, err := k.Stats(ctx)
		if err != nil || stats.Entries != 1 || len(stats.Namespaces) != 2 || stats.Namespaces[1].Name != "users" || stats.Namespaces[1].Hits != 1 {
			t.Errorf("stats are %+v, %v", stats, err)
		}
	})
}

func TestLocal_CacheIsBounded(t *testing.T) {
	c := newLocalCache(nil)
	c.limit = 10_000
	for i := range 100 {
		c.serve([][]json.RawMessage{{[]byte(`"set"`), []byte(`"n"`), []byte(strconv.Quote(strconv.Itoa(i))), []byte(`"` + strings.Repeat("x", 900) + `"`)}}, func([]any) {})
	}
	if n := len(c.spaces["n"].entries); n != 9 || c.bytes > c.limit {
		t.Errorf("%d entries of %d bytes", n, c.bytes)
	}
	c.serve([][]json.RawMessage{{[]byte(`"get"`), []byte(`"n"`), []byte(`"99"`)}}, func(results []any) {
		if results[0] == nil {
			t.Error("the newest entry is gone")
		}
	})
}

func TestLocal_NearCopiesFollow(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		ctx := t.Context()
		k := c.Cache().Namespace("users")
		if err := k.Near(ctx, true); err != nil {
			t.Fatal(err)
		}
		for n := range 100 {
			if err := k.Set(ctx, "k", n); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, _, err := Get[int](ctx, k, "k"); got != n || err != nil {
					t.Fatalf("got %d, %v, want %d", got, err, n)
				}
			}
		}
		stats, err := k.Stats(ctx)
		if err != nil || stats.Namespaces[0].Hits != 100 {
			t.Errorf("the copies were not read: %+v, %v", stats, err)
		}
	})
}

func TestGetOrSet_OneComputesTheOthersWait(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		k := c.Cache()
		var computed atomic.Int64
		compute := func(context.Context) (string, error) {
			time.Sleep(time.Second)
			computed.Add(1)
			return "v", nil
		}
		other := flightsOf(c) // as another worker has
		var all sync.WaitGroup
		for i := range 50 {
			of := k
			if i%2 == 1 {
				of = other
			}
			all.Go(func() {
				got, err := GetOrSet(t.Context(), of, "k", compute, TTL(time.Minute))
				if got != "v" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		all.Wait()
		if computed.Load() != 1 {
			t.Errorf("computed %d times", computed.Load())
		}
		time.Sleep(time.Minute)
		if _, err := GetOrSet(t.Context(), k, "k", compute); err != nil || computed.Load() != 2 {
			t.Errorf("after it has expired it was computed %d times, %v", computed.Load(), err)
		}
	})
}

// flightsOf returns the cache of a client with flights of its own.
func flightsOf(c *Client) *Cache {
	other := &Client{calls: c.calls, out: c.out, near: c.near, life: c.life, flights: newFlights(c.life)}
	return other.Cache()
}

func TestGetOrSet_AFailureGoesToTheNext(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		failed := make(chan error, 1)
		go func() {
			_, err := GetOrSet(t.Context(), c.Cache(), "k", func(context.Context) (int, error) {
				time.Sleep(time.Second)
				return 0, errors.New("no luck")
			})
			failed <- err
		}()
		synctest.Wait()
		start := time.Now()
		got, err := GetOrSet(t.Context(), flightsOf(c), "k", func(context.Context) (int, error) { return 5, nil })
		if got != 5 || err != nil || time.Since(start) != time.Second {
			t.Errorf("got %d, %v after %v", got, err, time.Since(start))
		}
		if err := <-failed; err == nil || err.Error() != "no luck" {
			t.Errorf("error is %v", err)
		}
	})
}

func TestGetOrSet_ALeaseEnds(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		slow := make(chan int, 1)
		go func() {
			got, err := GetOrSet(t.Context(), c.Cache(), "k", func(context.Context) (int, error) {
				time.Sleep(time.Hour)
				return 1, nil
			}, LeaseTime(time.Minute))
			if err != nil {
				t.Error(err)
			}
			slow <- got
		}()
		synctest.Wait()
		start := time.Now()
		got, err := GetOrSet(t.Context(), flightsOf(c), "k", func(context.Context) (int, error) { return 2, nil }, LeaseTime(time.Second))
		if got != 2 || err != nil || time.Since(start) != time.Minute {
			t.Errorf("got %d, %v after %v", got, err, time.Since(start))
		}
		if got := <-slow; got != 1 {
			t.Errorf("the slow one got %d", got)
		}
		if got, _, err := Get[int](t.Context(), c.Cache(), "k"); got != 2 || err != nil {
			t.Errorf("stored is %d, %v: what came too late must not be", got, err)
		}
	})
}

func TestGetOrSet_EndsWhenNobodyWaits(t *testing.T) {
	alone(t, func(t *testing.T, c *Client) {
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), t, "value"), time.Second)
		defer cancel()
		ended := make(chan error, 1)
		_, err := GetOrSet(ctx, c.Cache(), "k", func(ctx context.Context) (int, error) {
			if ctx.Value(t) != "value" {
				t.Error("the context has lost its values")
			}
			<-ctx.Done()
			ended <- ctx.Err()
			return 0, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("computing ended with %v", err)
		}
		// The lease was given back: the next one does not wait.
		start := time.Now()
		got, err := GetOrSet(t.Context(), c.Cache(), "k", func(context.Context) (int, error) { return 5, nil })
		if got != 5 || err != nil || time.Since(start) != 0 {
			t.Errorf("got %d, %v after %v", got, err, time.Since(start))
		}
	})
}
