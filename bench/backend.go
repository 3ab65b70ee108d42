package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
)

// addressesEach is under how many loopback addresses each nginx can be reached beside its own.
const addressesEach = manyUpstreams / 2

// startBackend runs an nginx with small answers and files.
func (l *lab) startBackend(ctx context.Context, n int) error {
	dir, err := l.folder("backend")
	if err != nil {
		return err
	}
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	socket, settings := filepath.Join(dir, "nginx.sock"), filepath.Join(dir, "nginx.conf")
	addresses := []string{listen}
	for i := range addressesEach {
		addresses = append(addresses, fmt.Sprintf("127.%d.%d.%d:%s", 1+n, 1+i/250, 1+i%250, port))
	}
	values := map[string]any{"Dir": dir, "Listen": addresses, "Socket": socket, "Files": l.files()}
	if err := render("backend.conf", settings, values); err != nil {
		return err
	}
	if err := l.serve(ctx, dir, listen, nil, "nginx", "-c", settings, "-e", filepath.Join(dir, "error.log")); err != nil {
		return err
	}
	l.reached[overTCP] = append(l.reached[overTCP], endpoint{Address: listen})
	l.reached[overUnix] = append(l.reached[overUnix], endpoint{Address: socket, Unix: true})
	for _, address := range addresses[1:] {
		l.reached[many] = append(l.reached[many], endpoint{Address: address})
	}
	return nil
}

// startSink runs a backend that reads what it is sent.
func (l *lab) startSink(ctx context.Context) error {
	dir, err := l.folder("sink")
	if err != nil {
		return err
	}
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	l.reached[sinks] = append(l.reached[sinks], endpoint{Address: listen})
	return l.serve(ctx, dir, listen, []string{"GOMAXPROCS=1"}, l.bins["sink"], "-listen", listen)
}

// serve starts a backend on the load core and waits until it listens.
func (l *lab) serve(ctx context.Context, dir, listen string, env []string, argv ...string) error {
	name, args := l.pinned(loadCore, argv[0], argv[1:])
	c, err := startChild("backend", dir, env, append([]string{name}, args...)...)
	if err != nil {
		return err
	}
	l.backends = append(l.backends, c)
	return c.awaitListener(ctx, "tcp", listen)
}

// endpoints are what a peer forwards to in a scenario.
func (l *lab) endpoints(s scenario, p peer) []endpoint {
	kind := s.backends
	if kind == overUnix && p.tcpOnly {
		kind = overTCP
	}
	chosen := slices.Clone(l.reached[kind])
	if s.upstreams > 0 {
		chosen = chosen[:s.upstreams]
	}
	switch s.strategy {
	case "weighted-round-robin", "health-aware":
		for i := range chosen {
			chosen[i].Weight = 1 + i%3
		}
	}
	return chosen
}

// alternate takes in turn from the first half and the second, so that a few are of both.
func alternate(all []endpoint) []endpoint {
	var mixed []endpoint
	half := len(all) / 2
	for i := range half {
		mixed = append(mixed, all[i], all[half+i])
	}
	return mixed
}

// bodies are the files that the backends serve and the load sends.
var bodies = map[int64]string{sizeOf64k: "64k", sizeOf10m: "10m", sizeOf100m: "100m"}

func (l *lab) files() string { return filepath.Join(l.dir, "files") }

// file is the body of this size.
func (l *lab) file(size int64) string { return filepath.Join(l.files(), bodies[size]) }

func (l *lab) writeBodies() error {
	if err := os.Mkdir(l.files(), 0o755); err != nil {
		return err
	}
	piece := make([]byte, sizeOf64k)
	for size := range bodies {
		// Written, not left out as a hole, which the kernel would read from one page again and again.
		f, err := os.Create(l.file(size))
		if err != nil {
			return err
		}
		for written := int64(0); written < size && err == nil; written += int64(len(piece)) {
			_, err = f.Write(piece)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
