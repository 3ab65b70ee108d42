// Command warehouse has the stock of the order service. Shops ask it over drover, and it listens nowhere.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"

	drover "github.com/drover-proxy/drover/sdk/go"
)

type product struct {
	SKU   string `json:"sku"`
	Price int    `json:"price"`
	Stock int    `json:"stock"`
}

// order is what a shop asks to be taken from the stock.
type order struct {
	ID       string `json:"id"`
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

type taken struct {
	Price int `json:"price"`
	Left  int `json:"left"`
}

type warehouse struct {
	mu       sync.Mutex
	products map[string]*product
	lookups  drover.Counter
	journal  func(line string)
}

func main() {
	w := &warehouse{products: map[string]*product{
		"pen":  {"pen", 120, 100_000},
		"book": {"book", 1500, 2},
	}, journal: journal()}
	client, err := drover.Connect(context.Background(), func(c *drover.Client) {
		w.lookups = c.Metrics().Counter("warehouse_lookups_total", "Products that were looked up")
		drover.Handle(c, "product.get", w.get)
		drover.Handle(c, "stock.take", w.take)
		c.Health("stock", w.check)
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Ready(); err != nil {
		log.Fatal(err)
	}
	client.Wait()
}

func (w *warehouse) get(_ context.Context, sku string) (product, error) {
	w.lookups.Inc()
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.products[sku]
	if p == nil {
		return product{}, unknown(sku)
	}
	return *p, nil
}

func (w *warehouse) take(_ context.Context, o order) (taken, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.products[o.SKU]
	if p == nil {
		return taken{}, unknown(o.SKU)
	}
	if p.Stock < o.Quantity {
		return taken{}, &drover.Error{Code: "sold-out", Message: fmt.Sprintf("only %d of %s are left", p.Stock, o.SKU)}
	}
	p.Stock -= o.Quantity
	w.journal("took " + o.ID)
	return taken{p.Price, p.Stock}, nil
}

// unknown is an error whose code reaches the shop that asked.
func unknown(sku string) error {
	return &drover.Error{Code: "unknown-product", Message: "there is no product " + sku}
}

// check is asked by drover and shown in drover workers.
func (w *warehouse) check(context.Context) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	stock := make(map[string]int)
	for sku, p := range w.products {
		stock[sku] = p.Stock
	}
	return stock, nil
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
