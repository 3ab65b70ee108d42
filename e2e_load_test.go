package main

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"
)

// load sends requests at a fixed rate, whether or not earlier ones were answered: a proxy that stalls
// is not sent less. Every answer is checked, nothing is sent twice.
type load struct {
	client *client
	stop   chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	sent     map[string]int
	failures map[string][]string
}

// requester sends request number n and checks the answer.
type requester struct {
	name string
	send func(c *client, n int) error
}

// startLoad sends rate requests per second to the instance, of each kind in turn.
func startLoad(d *instance, rate int, kinds ...requester) *load {
	l := &load{client: &client{address: d.front}, stop: make(chan struct{}), sent: make(map[string]int), failures: make(map[string][]string)}
	l.wg.Go(func() {
		// Each request has its own due time: where the machine was busy, those that are late are sent at once.
		begun := time.Now()
		for n := 0; ; n++ {
			due := begun.Add(time.Duration(n) * time.Second / time.Duration(rate))
			select {
			case <-l.stop:
				return
			case <-time.After(time.Until(due)):
			}
			kind := kinds[n%len(kinds)]
			l.wg.Go(func() { l.note(kind.name, n, kind.send(l.client, n)) })
		}
	})
	return l
}

func (l *load) note(kind string, n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[kind]++
	if err != nil {
		l.failures[kind] = append(l.failures[kind], fmt.Sprintf("%s request %d, %s: %v", kind, n, time.Now().UTC().Format("15:04:05.000"), err))
	}
}

// end stops sending and waits for the answers that are due.
func (l *load) end() *load {
	close(l.stop)
	l.wg.Wait()
	l.client.close()
	return l
}

// noFailure fails the test for each kind that had one.
func (l *load) noFailure(t *testing.T, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		switch failed := l.failures[kind]; {
		case l.sent[kind] == 0:
			t.Errorf("no %s request was sent", kind)
		case len(failed) > 0:
			t.Errorf("%d of %d %s requests failed:\n  %s", len(failed), l.sent[kind], kind, strings.Join(failed[:min(len(failed), 10)], "\n  "))
		default:
			t.Logf("%d %s requests, none failed", l.sent[kind], kind)
		}
	}
}

// The kinds of request that the ordinary Go server answers.

func getKind() requester {
	return requester{"GET", func(c *client, n int) error {
		return expect(c, "GET", fmt.Sprintf("/?n=%d", n), "", 200, `"app":"go-server"`)
	}}
}

// homeKind is what the sample application answers.
func homeKind() requester {
	return requester{"GET", func(c *client, n int) error {
		return expect(c, "GET", fmt.Sprintf("/?n=%d", n), "", 200, "hello from app-")
	}}
}

func slowKind() requester {
	return requester{"slow GET", func(c *client, n int) error { return expect(c, "GET", "/slow?ms=40", "", 200, "slept\n") }}
}

func echoKind() requester {
	return requester{"POST echo", func(c *client, n int) error {
		body := strings.Repeat(fmt.Sprintf("%d,", n), 500)
		got, err := c.do("POST", "/echo", body)
		switch {
		case err != nil:
			return err
		case got.status != 200 || string(got.body) != body:
			return fmt.Errorf("status %d, %d bytes of %d, sum %x: %.100q", got.status, len(got.body), len(body), sum(got.body), got.body)
		}
		return nil
	}}
}

func sum(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // a hash takes everything
	return h.Sum64()
}

// expect sends a request and checks status and a part of the body.
func expect(c *client, method, path, body string, status int, part string) error {
	got, err := c.do(method, path, body)
	if err != nil {
		return err
	}
	if got.status != status || !strings.Contains(string(got.body), part) {
		return fmt.Errorf("%s %s: status %d, Proxy-Status %q, body %.200q", method, path, got.status, got.header.Get("Proxy-Status"), got.body)
	}
	return nil
}
