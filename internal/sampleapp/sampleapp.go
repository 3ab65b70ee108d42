package sampleapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Options is what the application meets of the world.
type Options struct {
	Listen  string              // where neither PORT nor SOCKET say: host:port
	Getenv  func(string) string // PORT, HOST, SOCKET, DROVER_WORKER_ID
	Environ func() []string     // what /env shows
	Log     io.Writer           // one line at start
	Exit    func(code int)      // what /crash calls; nil: os.Exit
}

// app is the application while it runs.
type app struct {
	o    Options
	name string // what it calls itself: the worker id, or sample-app
	stop context.Context
	open sync.WaitGroup // WebSockets, which http.Server does not wait for

	mu   sync.Mutex
	hung chan struct{} // not nil: nothing is answered any more
	held [][]byte      // what /leak took
}

// Run serves until ctx is done and what was being answered is answered: event
// streams and WebSockets end at once. It returns nil then, and an error where it
// could not listen.
func Run(ctx context.Context, o Options) error {
	if o.Exit == nil {
		o.Exit = os.Exit
	}
	l, err := listen(ctx, o)
	if err != nil {
		return err
	}
	a := &app{o: o, name: o.Getenv("DROVER_WORKER_ID"), stop: ctx}
	if a.name == "" {
		a.name = "sample-app"
	}
	if _, err := fmt.Fprintf(o.Log, "%s listens on %s\n", a.name, l.Addr()); err != nil {
		return errors.Join(fmt.Errorf("write the first line: %w", err), l.Close())
	}
	srv := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	err = srv.Shutdown(context.WithoutCancel(ctx))
	if e := <-ended; err == nil && !errors.Is(e, http.ErrServerClosed) {
		err = fmt.Errorf("serve: %w", e)
	}
	a.open.Wait()
	return err
}

func listen(ctx context.Context, o Options) (net.Listener, error) {
	network, address := "tcp", o.Listen
	if path := o.Getenv("SOCKET"); path != "" {
		network, address = "unix", path
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("remove the socket of an earlier run: %w", err)
			}
		}
	} else if port := o.Getenv("PORT"); port != "" {
		host := o.Getenv("HOST")
		if host == "" {
			host = "127.0.0.1"
		}
		address = net.JoinHostPort(host, port)
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; set PORT or SOCKET, or give --listen", address, err)
	}
	return l, nil
}

// ServeHTTP answers, unless the application hangs.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	hung := a.hung
	a.mu.Unlock()
	if hung != nil {
		a.hang(r)
		return
	}
	switch r.URL.Path {
	case "/":
		text(w, "hello from "+a.name)
	case "/health":
		text(w, "ok")
	case "/slow":
		a.slow(w, r)
	case "/crash":
		a.o.Exit(1)
	case "/hang":
		a.mu.Lock()
		a.hung = make(chan struct{})
		a.mu.Unlock()
		a.hang(r)
	case "/leak":
		a.leak(w, r)
	case "/bytes":
		a.bytes(w, r)
	case "/sse":
		a.events(w, r)
	case "/ws":
		a.socket(w, r)
	case "/echo":
		a.echo(w, r)
	case "/env":
		a.env(w)
	default:
		http.Error(w, "there is nothing here; try / /health /slow?ms=100 /crash /hang /leak?mb=10 /bytes?n=1000 /sse /ws /echo /env", http.StatusNotFound)
	}
}

// text answers with a line. The client may be gone, which is no matter.
func text(w http.ResponseWriter, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, line+"\n")
}
