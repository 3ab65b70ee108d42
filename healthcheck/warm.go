package healthcheck

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Warming asks a worker for paths before it gets requests, so that it fills
// caches: the one that all share, and its own. Each has to be answered with 2xx.
type Warming struct {
	paths  []string
	client *http.Client
}

// NewWarming returns a Warming for these paths.
func NewWarming(paths ...string) *Warming { return &Warming{paths: paths, client: newClient()} }

// Ask asks for each path, one after the other, and waits for the whole answers.
// It ends with the first that is none; the error says which, and why.
func (w *Warming) Ask(ctx context.Context, t Target) error {
	_, err := w.askFrom(ctx, t, 0)
	return err
}

// askFrom asks for the paths but the first done ones, and returns how many are done then.
func (w *Warming) askFrom(ctx context.Context, t Target, done int) (int, error) {
	for ; done < len(w.paths); done++ {
		if err := w.ask(ctx, t, w.paths[done]); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (w *Warming) ask(ctx context.Context, t Target, path string) error {
	resp, err := get(ctx, w.client, t, path, "drover-warm")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or is given up
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("GET %s: status %d, want 2xx", path, resp.StatusCode)
	}
	// A worker that is cut off in the middle may not store the rest.
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("GET %s: read the body: %w", path, err)
	}
	return nil
}
