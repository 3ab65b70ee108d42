package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// slowSettings differ from the defaults in two timeouts, so that the test need
// not last a minute.
const slowSettings = `
server:
  listeners: [ { name: web, address: "${FRONT}", pool: app } ]
  timeouts: { requestBodyIdle: 3s, responseWriteIdle: 6s }
pools:
  app:
    command: ["${DROVER}", sample-app]
    transport: socket
    workers: 2
admin: { address: "${ADMIN}" }
`

// slowness is a way to be slow, and how many clients have it.
type slowness struct {
	name    string
	clients int
	begin   string // what is sent at once
	answer  bool   // is read then
	trickle bool   // a byte follows now and then
}

var slownesses = []slowness{
	{"body in trickles", 500, "POST /slow?ms=600000 HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nx", false, true},
	{"silent WebSocket", 200, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", true, false},
	{"idle", 500, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, false},
	{"answer not read", 60, "GET /bytes?n=100000000 HTTP/1.1\r\nHost: h\r\n\r\n", false, false},
	{"header in trickles", 600, "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ", false, true},
	{"nothing sent", 300, "", false, false},
}

// slowClient is a connection with what was read from it.
type slowClient struct {
	net.Conn
	r *bufio.Reader
}

// status reads an answer and returns its status; 0 when the connection ended
// before, -1 when it is still open after the time.
func (c *slowClient) status(within time.Duration) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return 0, err
	}
	if _, err := c.r.Peek(1); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return -1, nil
		}
		return 0, nil // in order or not
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	return resp.StatusCode, err
}

// openSlow opens all of them and keeps those trickling that do, until the
// function that it returns is called.
func openSlow(t *testing.T, address string) (clients map[string][]*slowClient, stop func()) {
	t.Helper()
	clients = map[string][]*slowClient{}
	var trickling []net.Conn
	for _, s := range slownesses {
		for range s.clients {
			nc, err := net.DialTimeout("tcp", address, patience)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = nc.Close() })
			if _, err := io.WriteString(nc, s.begin); err != nil {
				t.Fatal(err)
			}
			clients[s.name] = append(clients[s.name], &slowClient{nc, bufio.NewReaderSize(nc, 512)})
			if s.trickle {
				trickling = append(trickling, nc)
			}
		}
		if !s.answer {
			continue
		}
		for _, c := range clients[s.name] {
			if status, err := c.status(patience); err != nil || status != 200 && status != 101 {
				t.Fatalf("%s: %d, %v", s.name, status, err)
			}
		}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(500 * time.Millisecond):
			}
			for _, nc := range trickling {
				_, _ = nc.Write([]byte("x")) // fails when its time is over
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(end); <-ended })
	t.Cleanup(stop)
	return clients, stop
}

// metric returns a number of the instance's own.
func (d *instance) metric(series string) float64 {
	d.t.Helper()
	_, text, err := d.api("GET", "/metrics", "")
	if err != nil {
		d.t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// Two thousand connections that are slow, in all ways there are, take nothing
// from the others, which are served as by a drover that has no slow clients. In
// the end each slow client is told what it is, or left alone where it may be so.
func TestSlowClients_TakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	var files syscall.Rlimit // the soft limit is raised by Go, in drover too
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Max < 4096 {
		workertest.Lack(t, fmt.Sprintf("no more than %d files may be open", files.Max))
	}
	alone, d := newInstance(t), newInstance(t)
	alone.run(slowSettings)
	d.run(slowSettings)
	clients, stop := openSlow(t, d.front)
	const open = `drover_open_connections{listener="web",protocol="http"}`
	d.eventually("two thousand connections are open", func() error {
		if n := d.metric(open); n < 2000 {
			return fmt.Errorf("%v are", n)
		}
		return nil
	})

	// In turns, so that what else the machine does troubles both alike.
	times := map[*instance][]time.Duration{}
	served := map[*instance]*client{alone: {address: alone.front}, d: {address: d.front}}
	for range 200 {
		for _, one := range []*instance{alone, d} {
			from := time.Now()
			if err := expect(served[one], "GET", "/bytes?n=1000", "", 200, "drover"); err != nil {
				t.Fatal(err)
			}
			times[one] = append(times[one], time.Since(from))
		}
	}
	median := func(one *instance) time.Duration {
		slices.Sort(times[one])
		return times[one][len(times[one])/2]
	}
	l := startLoad(d, 100, requester{"GET", func(c *client, n int) error {
		return expect(c, "GET", fmt.Sprintf("/bytes?n=%d", n), "", 200, "")
	}}, echoKind())
	time.Sleep(time.Second) // the load's
	l.end().noFailure(t, "GET", "POST echo")
	if n := d.metric(open); n < 2000 {
		t.Errorf("%v connections are open after the others were served", n)
	}
	t.Logf("median %v alone, %v beside the slow ones", median(alone), median(d))
	if median(d) > 3*median(alone)+5*time.Millisecond {
		t.Errorf("a request takes %v, and %v where nobody is slow", median(d), median(alone))
	}

	stop()
	for name, want := range map[string]int{"body in trickles": 408, "header in trickles": 408, "nothing sent": 0} {
		for _, c := range clients[name] {
			if status, err := c.status(patience); status != want || err != nil {
				t.Fatalf("%s: told %d, %v; want %d", name, status, err, want)
			}
		}
	}
	d.eventually("those that do not read are given up", func() error {
		if n := strings.Count(d.output(), `"end":"client-timeout"`); n != 500+600+60 {
			return fmt.Errorf("%d client-timeout in the log", n)
		}
		return nil
	})
	for _, name := range []string{"silent WebSocket", "idle"} {
		for _, c := range clients[name] {
			if status, err := c.status(time.Millisecond); status != -1 || err != nil {
				t.Fatalf("%s: %d, %v; it should be left alone", name, status, err)
			}
		}
	}
	d.answers("GET", "/", "", "hello")
	if n := len(d.running()); n != 2 {
		t.Errorf("%d workers run", n)
	}
}
