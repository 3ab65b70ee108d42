package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

// bodyTimeout bounds one body, however slow the proxy.
const bodyTimeout = 60 * time.Second

// runBulk moves bodies on all connections at once. One that began within the time is finished.
func runBulk(o options) (report, error) {
	movers := make([]*mover, o.connections)
	for i := range movers {
		c, err := net.DialTimeout("tcp", o.address, 5*time.Second)
		if err != nil {
			return report{}, err
		}
		defer func() { _ = c.Close() }()
		movers[i] = &mover{options: o, conn: c.(*net.TCPConn), reader: bufio.NewReader(c), buffer: make([]byte, 256<<10)}
	}
	start := time.Now()
	failed := make(chan error, len(movers))
	for _, m := range movers {
		go func() { failed <- m.run(start.Add(o.length)) }()
	}
	var errs []error
	for range movers {
		errs = append(errs, <-failed)
	}
	if err := errors.Join(errs...); err != nil {
		return report{}, err
	}
	r := report{Elapsed: time.Since(start)}
	var all []time.Duration
	for _, m := range movers {
		all = append(all, m.latencies...)
	}
	slices.Sort(all)
	r.Requests, r.Bytes = int64(len(all)), int64(len(all))*o.size
	r.P50, r.P99, r.P999 = quantile(all, 0.5), quantile(all, 0.99), quantile(all, 0.999)
	return r, nil
}

// mover is one connection that moves one body after the other.
type mover struct {
	options   options
	conn      *net.TCPConn
	reader    *bufio.Reader
	buffer    []byte
	latencies []time.Duration
}

func (m *mover) run(end time.Time) error {
	for n := 0; m.goesOn(n, end); n++ {
		start := time.Now()
		if err := m.conn.SetDeadline(start.Add(bodyTimeout)); err != nil {
			return err
		}
		move := m.download
		if m.options.upload != "" {
			move = m.upload
		}
		if err := move(); err != nil {
			return fmt.Errorf("body %d: %w", n+1, err)
		}
		m.latencies = append(m.latencies, time.Since(start))
	}
	return nil
}

func (m *mover) goesOn(done int, end time.Time) bool {
	if m.options.bodies > 0 {
		return done < m.options.bodies
	}
	return time.Now().Before(end)
}

func (m *mover) download() error {
	if _, err := fmt.Fprintf(m.conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", m.options.path, m.options.address); err != nil {
		return err
	}
	answer, err := m.answer()
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{answer.Body}, m.buffer)
	if err != nil {
		return fmt.Errorf("after %d bytes of an answer: %w", n, err)
	}
	if n != m.options.size {
		return fmt.Errorf("answer of %d bytes, not %d", n, m.options.size)
	}
	return nil
}

// upload sends the file by sendfile(2). The server says how many bytes have reached it.
func (m *mover) upload() error {
	file, err := os.Open(m.options.upload)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = fmt.Fprintf(m.conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", m.options.path, m.options.address, m.options.size)
	if err != nil {
		return err
	}
	_, sendErr := m.conn.ReadFrom(io.LimitReader(file, m.options.size))
	answer, err := m.answer() // also when it was not waited for: it says why
	if err = errors.Join(sendErr, err); err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(answer.Body, 64))
	if err != nil {
		return err
	}
	if string(said) != strconv.FormatInt(m.options.size, 10) {
		return fmt.Errorf("of %d bytes the server has seen %q", m.options.size, said)
	}
	return nil
}

func (m *mover) answer() (*http.Response, error) {
	answer, err := http.ReadResponse(m.reader, nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || answer.Close {
		return nil, fmt.Errorf("answer %s, connection closed: %v", answer.Status, answer.Close)
	}
	return answer, nil
}
