// Command shop takes the orders of the order service over HTTP. There are several of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	drover "github.com/drover-proxy/drover/sdk/go"
)

// warehouse is any worker of that pool.
var warehouse = drover.Target{Pool: "warehouse"}

type order struct {
	ID       string `json:"id"`
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// placed is the answer to an order.
type placed struct {
	Number int64 `json:"number"`
	order
	Total  int              `json:"total"`
	Left   int              `json:"left"`
	Told   int              `json:"told"`   // shops that know of it
	Missed []drover.Failure `json:"missed"` // those that may not
}

type shop struct {
	client   *drover.Client
	products *drover.Cache
	orders   drover.Counter
	seconds  drover.Histogram
	journal  func(line string)

	mu     sync.Mutex
	recent []order // that any shop took
}

func main() {
	s := &shop{recent: []order{}, journal: journal()}
	client, err := drover.Connect(context.Background(), func(c *drover.Client) {
		s.orders = c.Metrics().Counter("shop_orders_total", "Orders placed", "sku")
		s.seconds = c.Metrics().Histogram("shop_order_seconds", "How long placing an order takes", []float64{0.001, 0.01, 0.1, 1})
		drover.On(c, "order.placed", s.heard)
		c.Health("orders", s.check)
	})
	if err != nil {
		log.Fatal(err)
	}
	s.client, s.products = client, client.Cache().Namespace("products")

	mux := http.NewServeMux()
	mux.HandleFunc("GET /products/{sku}", s.product)
	mux.HandleFunc("POST /orders", s.place)
	mux.HandleFunc("GET /orders", s.list)
	// Longer than any proxy keeps an idle connection: the server must not be the one who closes first.
	server := &http.Server{Handler: mux, IdleTimeout: 2 * time.Minute}
	listener, err := drover.Listen()
	if err != nil {
		log.Fatal(err)
	}
	client.OnShutdown(func(ctx context.Context) {
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

// product answers from the cache of all shops. When it is not there one of them asks the warehouse.
func (s *shop) product(w http.ResponseWriter, r *http.Request) {
	sku := r.PathValue("sku")
	p, err := drover.GetOrSet(r.Context(), s.products, sku, func(ctx context.Context) (json.RawMessage, error) {
		return drover.Request[json.RawMessage](ctx, s.client, warehouse, "product.get", sku)
	}, drover.TTL(time.Minute), drover.Tags(sku))
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, p)
}

// place has the warehouse take an order from the stock, and tells the other shops.
func (s *shop) place(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" || o.SKU == "" || o.Quantity < 1 {
		answer(w, http.StatusBadRequest, map[string]string{"error": "an order has an id, a sku and a quantity from 1 on"})
		return
	}
	done, err := s.take(r.Context(), o)
	if err != nil {
		fail(w, err)
		return
	}
	s.orders.Inc(o.SKU)
	s.seconds.Observe(time.Since(began).Seconds())
	answer(w, http.StatusCreated, done)
}

func (s *shop) take(ctx context.Context, o order) (placed, error) {
	taken, err := drover.Request[struct{ Price, Left int }](ctx, s.client, warehouse, "stock.take", o)
	if err != nil {
		return placed{}, err
	}
	if _, err := s.products.InvalidateTag(ctx, o.SKU); err != nil { // the stock is another now
		return placed{}, err
	}
	number, err := s.client.Cache().Increment(ctx, "orders", 1)
	if err != nil {
		return placed{}, err
	}
	s.remember(o)
	told, err := s.client.Broadcast(ctx, "order.placed", o)
	if err != nil {
		return placed{}, err
	}
	return placed{number, o, taken.Price * o.Quantity, taken.Left, told.Received, told.Failed}, nil
}

// heard takes the word of another shop.
func (s *shop) heard(_ context.Context, _ string, o order) error {
	s.journal("heard " + o.ID)
	s.remember(o)
	return nil
}

func (s *shop) remember(o order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent = append(s.recent, o)
	s.recent = s.recent[max(0, len(s.recent)-100):]
}

func (s *shop) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, map[string][]order{"orders": s.recent})
}

// check is asked by drover and shown in drover workers.
func (s *shop) check(context.Context) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]int{"recent": len(s.recent)}, nil
}

// fail answers with the error of the warehouse, or of drover on the way there.
func fail(w http.ResponseWriter, err error) {
	var e *drover.Error
	if !errors.As(err, &e) {
		e = &drover.Error{Code: "internal", Message: err.Error()}
	}
	switch e.Code {
	case "unknown-product":
		answer(w, http.StatusNotFound, map[string]string{"error": e.Message})
	case "sold-out":
		answer(w, http.StatusConflict, map[string]string{"error": e.Message})
	default:
		answer(w, http.StatusServiceUnavailable, struct {
			Error string `json:"error"`
			Code  string `json:"code"`
		}{e.Message, e.Code})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client is gone: there is nobody left to tell
}

// journal returns what appends a line to this worker's file in the folder JOURNAL, where that is set.
func journal() func(line string) {
	folder := os.Getenv("JOURNAL")
	if folder == "" {
		return func(string) {}
	}
	file, err := os.OpenFile(filepath.Join(folder, os.Getenv("DROVER_WORKER_ID")), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	return func(line string) {
		if _, err := fmt.Fprintln(file, line); err != nil {
			log.Print(err)
		}
	}
}
