package proxy

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// stream is what a parser saw in the bytes of one connection.
type stream struct {
	requests []string // those that are complete, each as inWords has it
	open     bool     // the bytes end inside of a request
	fault    string   // the parser refuses what comes after them
}

// inWords is what two parsers must agree upon about a request.
func inWords(method, target, host, body string) string {
	return fmt.Sprintf("%s %s %s %q", method, target, host, body)
}

func (s stream) equal(o stream) bool {
	return slices.Equal(s.requests, o.requests) && s.open == o.open && s.fault == "" && o.fault == ""
}

// agrees reports whether llhttp saw the same as net/http, which takes any method:
// llhttp stops at one that it does not know.
func (s stream) agrees(node stream) bool {
	if s.equal(node) {
		return true
	}
	n := len(node.requests)
	if s.fault != "" || node.fault != "HPE_INVALID_METHOD" || n > len(s.requests) || !slices.Equal(s.requests[:n], node.requests) {
		return false
	}
	if n == len(s.requests) {
		return s.open
	}
	switch m, _, _ := strings.Cut(s.requests[n], " "); m {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
		return false
	}
	return true
}

// byGo reads a stream of requests with net/http.
func byGo(raw string) (s stream) {
	br := bufio.NewReader(strings.NewReader(raw))
	for {
		if _, err := br.Peek(1); err != nil {
			return s
		}
		req, err := http.ReadRequest(br)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(req.Body)
		}
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			s.open = true
			return s
		case err != nil:
			s.fault = err.Error()
			return s
		}
		s.requests = append(s.requests, inWords(req.Method, req.RequestURI, req.Host, string(body)))
	}
}

// llhttp is the parser of Node.js, in a process that stays.
type llhttp struct {
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

// newLLHTTP starts the parser, or returns nil where there is no Node.js.
func newLLHTTP(t testing.TB) *llhttp {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		return nil
	}
	cmd := exec.Command("node", "--no-deprecation", "testdata/llhttp.js")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
	})
	return &llhttp{in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

// read reads a stream of requests.
func (l *llhttp) read(t testing.TB, raw string) (s stream) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(raw)))
	if _, err := l.in.Write(append(frame, raw...)); err != nil {
		t.Fatalf("node: %v", err)
	}
	line, err := l.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var seen struct {
		Requests []struct {
			Method, Target, Body []byte
			Hosts                [][]byte
		}
		Open  bool
		Error string
	}
	if err := json.Unmarshal(line, &seen); err != nil {
		t.Fatalf("node: %v in %s", err, line)
	}
	s.open, s.fault = seen.Open, seen.Error
	for _, r := range seen.Requests {
		hosts := make([]string, len(r.Hosts))
		for i, h := range r.Hosts {
			hosts[i] = string(h)
		}
		s.requests = append(s.requests, inWords(string(r.Method), string(r.Target), strings.Join(hosts, " and "), string(r.Body)))
	}
	return s
}

func TestJudges_SeeTheSame(t *testing.T) {
	node := newLLHTTP(t)
	f := func(raw string, open bool, want ...string) {
		t.Helper()
		judges := map[string]func() stream{"net/http": func() stream { return byGo(raw) }}
		if node != nil {
			judges["llhttp"] = func() stream { return node.read(t, raw) }
		}
		for name, judge := range judges {
			if got := judge(); !got.equal(stream{requests: want, open: open}) {
				t.Errorf("%s: %q: %+v", name, raw, got)
			}
		}
	}
	const one = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
	f("", false)
	f(one, false, `POST /a h "ab"`)
	f(one+one, false, `POST /a h "ab"`, `POST /a h "ab"`)
	f(one[:len(one)-1], true)
	f("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"+one, false, `GET / h ""`, `POST /a h "ab"`)
	f("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n", false, `POST / h "a"`)
}
