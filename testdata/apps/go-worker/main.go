// Command go-worker is a worker that does over sdk/go what the query of a request says, so that a test
// sees each verb from both sides.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	drover "github.com/drover-proxy/drover/sdk/go"
)

type app struct {
	client *drover.Client

	mu    sync.Mutex
	heard []heard // messages, events and cancelled requests, in order

	sick     atomic.Bool
	computed drover.Counter
	stored   drover.Gauge
	took     drover.Histogram
}

type heard struct {
	From string          `json:"from"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data,omitempty"`
}

func main() {
	a := &app{}
	client, err := drover.Connect(context.Background(), a.handlers)
	if err != nil {
		log.Fatal(err)
	}
	a.client = client
	a.computed = client.Metrics().Counter("computed_total", "Values computed", "kind")
	a.stored = client.Metrics().Gauge("stored", "")
	a.took = client.Metrics().Histogram("compute_seconds", "", []float64{0.5, 10})
	listener, err := drover.Listen()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: a.routes(), IdleTimeout: 2 * time.Minute}
	client.OnShutdown(func(ctx context.Context) {
		a.farewell(ctx)
		_ = server.Shutdown(ctx) // the process ends either way
	})
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	if err := client.Ready(); err != nil {
		log.Fatal(err)
	}
	client.Wait()
}

// handlers are set before drover hears of this worker.
func (a *app) handlers(c *drover.Client) {
	c.Handle("note*", func(_ context.Context, m drover.Message) (any, error) {
		a.hear(m.From, m.Type, m.Data)
		return nil, nil
	})
	c.Handle("refuse", func(context.Context, drover.Message) (any, error) { return nil, errors.New("not today") })
	drover.Handle(c, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	c.Handle("hang", func(ctx context.Context, m drover.Message) (any, error) {
		<-ctx.Done()
		a.hear(m.From, "cancelled", nil)
		return nil, ctx.Err()
	})
	c.Handle("die", func(context.Context, drover.Message) (any, error) {
		os.Exit(3)
		return nil, nil
	})
	c.Health("mood", func(context.Context) (any, error) {
		if a.sick.Load() {
			return nil, errors.New("sick")
		}
		return map[string]string{"mood": "fine"}, nil
	})
}

func (a *app) hear(from, kind string, data json.RawMessage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, heard{from, kind, data})
}

// farewell writes to the file FAREWELL when this worker ends.
func (a *app) farewell(ctx context.Context) {
	path := os.Getenv("FAREWELL")
	if path == "" {
		return
	}
	deadline, bounded := ctx.Deadline()
	text := fmt.Sprintf("%s bounded=%v left>1s=%v\n", a.client.Worker().ID, bounded, time.Until(deadline) > time.Second)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		log.Print(err)
	}
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	do := func(path string, fn func(ctx context.Context, q query) (any, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // the client is gone
			}
			if len(body) == 0 {
				body = []byte("null")
			}
			result, err := fn(r.Context(), query{r, body})
			if err != nil {
				result = map[string]string{"error": err.Error()}
			}
			raw, err := json.Marshal(result)
			if err != nil {
				raw = []byte(strconv.Quote(err.Error()))
			}
			_, _ = w.Write(append(raw, '\n'))
		})
	}
	do("GET /{$}", func(context.Context, query) (any, error) { return a.client.Worker(), nil })
	do("GET /heard", func(context.Context, query) (any, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		return append([]heard{}, a.heard...), nil
	})
	do("POST /send", func(ctx context.Context, q query) (any, error) {
		return a.client.Send(ctx, q.target(), q.get("type"), q.body)
	})
	do("POST /broadcast", func(ctx context.Context, q query) (any, error) {
		return a.client.BroadcastTo(ctx, q.get("pool"), q.get("type"), q.body)
	})
	do("POST /publish", func(ctx context.Context, q query) (any, error) { return a.client.Publish(ctx, q.get("topic"), q.body) })
	do("POST /request", func(ctx context.Context, q query) (any, error) {
		ctx, cancel := q.bounded(ctx)
		defer cancel()
		answer, err := a.client.Request(ctx, q.target(), q.get("type"), q.body)
		return map[string]any{"from": answer.From, "data": answer.Data}, err
	})
	do("POST /subscribe", func(ctx context.Context, q query) (any, error) {
		_, err := a.client.Subscribe(ctx, q.get("topic"), func(_ context.Context, m drover.Message) error {
			a.hear(m.From, m.Topic, m.Data)
			return nil
		})
		return "subscribed", err
	})
	do("POST /events", func(_ context.Context, q query) (any, error) {
		events, err := a.client.Events(context.Background(), q.get("kind"))
		go func() {
			for e := range events {
				a.hear(e.Subject, e.Kind, e.Data)
			}
		}()
		return "subscribed", err
	})
	do("POST /sick", func(context.Context, query) (any, error) { a.sick.Store(true); return "sick", nil })
	a.cacheRoutes(do)
	return mux
}

func (a *app) cacheRoutes(do func(string, func(context.Context, query) (any, error))) {
	space := func(query) *drover.Cache { return a.client.Cache().Namespace("things") }
	do("GET /cache", func(ctx context.Context, q query) (any, error) {
		var v json.RawMessage
		_, err := space(q).Get(ctx, q.get("key"), &v)
		return v, err
	})
	do("GET /cache/many", func(ctx context.Context, q query) (any, error) {
		return space(q).GetMany(ctx, strings.Split(q.get("keys"), ",")...)
	})
	do("POST /cache", func(ctx context.Context, q query) (any, error) {
		a.stored.Add(1)
		return "stored", space(q).Set(ctx, q.get("key"), q.body, q.options()...)
	})
	do("POST /cache/add", func(ctx context.Context, q query) (any, error) {
		return space(q).Add(ctx, q.get("key"), q.body, q.options()...)
	})
	do("POST /cache/increment", func(ctx context.Context, q query) (any, error) {
		return space(q).Increment(ctx, q.get("key"), int64(q.number("by")), q.options()...)
	})
	do("DELETE /cache", func(ctx context.Context, q query) (any, error) { return space(q).Delete(ctx, q.get("key")) })
	do("POST /cache/tag", func(ctx context.Context, q query) (any, error) { return space(q).InvalidateTag(ctx, q.get("tag")) })
	do("POST /cache/prefix", func(ctx context.Context, q query) (any, error) {
		return space(q).InvalidatePrefix(ctx, q.get("prefix"))
	})
	do("POST /cache/near", func(ctx context.Context, q query) (any, error) { return "near", space(q).Near(ctx, true) })
	do("GET /cache/stats", func(ctx context.Context, q query) (any, error) { return space(q).Stats(ctx) })
	do("GET /cache/compute", func(ctx context.Context, q query) (any, error) {
		return drover.GetOrSet(ctx, space(q), q.get("key"), func(context.Context) (string, error) {
			took := time.Duration(q.number("ms")) * time.Millisecond
			time.Sleep(took)
			a.computed.Inc("slow")
			a.took.Observe(took.Seconds())
			return "computed by " + a.client.Worker().ID, nil
		}, q.options()...)
	})
}

// query is a request.
type query struct {
	r    *http.Request
	body json.RawMessage
}

func (q query) get(name string) string { return q.r.URL.Query().Get(name) }

func (q query) number(name string) int {
	n, _ := strconv.Atoi(q.get(name)) // 0 where it is missing
	return n
}

func (q query) target() drover.Target {
	return drover.Target{Worker: q.get("to"), Pool: q.get("pool"), Pick: q.get("pick")}
}

func (q query) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if ms := q.number("timeout"); ms > 0 {
		return context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

func (q query) options() []drover.SetOption {
	var list []drover.SetOption
	if ttl := q.number("ttl"); ttl > 0 {
		list = append(list, drover.TTL(time.Duration(ttl)*time.Millisecond))
	}
	if tag := q.get("tag"); tag != "" {
		list = append(list, drover.Tags(tag))
	}
	return list
}
