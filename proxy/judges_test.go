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

// stream is what a reader saw in the bytes of one connection.
type stream struct {
	requests []meaning // those that are complete
	partial  *meaning  // one whose head is complete and whose body is not
	open     bool      // the bytes end inside of a request
	fault    string    // the reader refuses what comes after the requests
	starts   []int     // where requests begin; known to strictly alone
}

// meaning is one request as it was read.
type meaning struct {
	method, target, host, body string
	old                        bool // HTTP/1.0
	fields, trailer            []fieldLine
	bare                       bool // the head does not end in CR LF CR LF; known to strictly alone
}

// fieldLine is a line of a header or trailer section; the name is in lower case.
type fieldLine struct{ name, value string }

// inWords is what is said of a request in the corpus.
func inWords(method, target, host, body string) string {
	return fmt.Sprintf("%s %s %s %q", method, target, host, body)
}

func (m *meaning) words() string { return inWords(m.method, m.target, m.host, m.body) }

func (s *stream) words() (all []string) {
	for i := range s.requests {
		all = append(all, s.requests[i].words())
	}
	return all
}

// says reports whether m is the same as o in words.
func (m *meaning) says(o *meaning) bool {
	return m.method == o.method && m.target == o.target && m.host == o.host && m.body == o.body
}

// equal reports whether two readers read the same.
func (m *meaning) equal(o *meaning) bool {
	return m == nil && o == nil || m != nil && o != nil && m.says(o) &&
		slices.Equal(compared(m.fields), compared(o.fields)) && slices.Equal(compared(m.trailer), compared(o.trailer))
}

func (s *stream) equal(o *stream) bool {
	return slices.EqualFunc(s.requests, o.requests, func(a, b meaning) bool { return a.equal(&b) }) &&
		s.partial.equal(o.partial) && s.open == o.open && s.fault == "" && o.fault == ""
}

// compared are the fields that all readers show, in an order that all of them can
// tell: net/http keeps that of one name only. It shows Host, Transfer-Encoding and
// Trailer elsewhere, and where there is a Pragma makes up a Cache-Control.
func compared(fields []fieldLine) []fieldLine {
	pragma := slices.ContainsFunc(fields, func(f fieldLine) bool { return f.name == "pragma" })
	some := those(fields, func(f fieldLine) bool {
		switch f.name {
		case "host", "transfer-encoding", "trailer":
			return false
		}
		return !pragma || f.name != "cache-control"
	})
	slices.SortStableFunc(some, func(a, b fieldLine) int { return strings.Compare(a.name, b.name) })
	return some
}

// byGo reads a stream of requests with net/http.
func byGo(raw string) (s stream) {
	br := bufio.NewReader(strings.NewReader(raw))
	for {
		if _, err := br.Peek(1); err != nil {
			return s
		}
		req, err := http.ReadRequest(br)
		var m meaning
		if err == nil {
			var body []byte
			body, err = io.ReadAll(req.Body)
			m = meaning{req.Method, req.RequestURI, req.Host, string(body), !req.ProtoAtLeast(1, 1), byName(req.Header), byName(req.Trailer), false}
		}
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			s.open = true
			if m.method != "" {
				s.partial = &m
			}
			return s
		case err != nil:
			s.fault = err.Error()
			return s
		}
		s.requests = append(s.requests, m)
	}
}

func byName(h http.Header) (all []fieldLine) {
	for name, values := range h {
		for _, v := range values {
			all = append(all, fieldLine{strings.ToLower(name), v})
		}
	}
	return all
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

// read reads streams of requests; all are asked for before the first is answered.
func (l *llhttp) read(t testing.TB, raws ...string) []stream {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var frames []byte
	for _, raw := range raws {
		frames = binary.BigEndian.AppendUint32(frames, uint32(len(raw)))
		frames = append(frames, raw...)
	}
	go func() { // both pipes may fill up
		_, _ = l.in.Write(frames) // a parser that has ended answers nothing, either
	}()
	all := make([]stream, len(raws))
	for i := range all {
		line, err := l.out.ReadBytes('\n')
		if err == nil {
			err = all[i].unmarshal(line)
		}
		if err != nil {
			t.Fatalf("node: %v in %s", err, line)
		}
	}
	return all
}

// unmarshal takes a line of testdata/llhttp.js.
func (s *stream) unmarshal(line []byte) error {
	type request struct {
		Method, Target, Body []byte
		Old                  bool
		Fields, Trailer      [][]byte
	}
	var seen struct {
		Requests []request
		Partial  *request
		Open     bool
		Error    string
	}
	if err := json.Unmarshal(line, &seen); err != nil {
		return err
	}
	pairs := func(flat [][]byte) (all []fieldLine) {
		for i := 0; i < len(flat); i += 2 {
			all = append(all, fieldLine{strings.ToLower(string(flat[i])), string(flat[i+1])})
		}
		return all
	}
	read := func(r *request) meaning {
		m := meaning{string(r.Method), string(r.Target), "", string(r.Body), r.Old, pairs(r.Fields), pairs(r.Trailer), false}
		m.host = strings.Join(m.values("host"), " and ")
		return m
	}
	for i := range seen.Requests {
		s.requests = append(s.requests, read(&seen.Requests[i]))
	}
	if seen.Partial != nil {
		m := read(seen.Partial)
		s.partial = &m
	}
	s.open, s.fault = seen.Open, seen.Error
	return nil
}

// judges read what arrived upstream.
type judges struct{ node *llhttp }

// read reads streams that drover sent. All three readers must take them and read
// the same, or it is said what is not so; a stream may be cut where open says so.
// What they read is returned for each, and behind that what llhttp alone makes
// of the streams in others.
func (j judges) read(t testing.TB, sent []string, others ...string) (arrived, byNode []stream, differ string) {
	t.Helper()
	asked := make([]string, 0, len(sent)+len(others))
	for _, raw := range sent {
		s := strictly(raw)
		arrived = append(arrived, s)
		if seen := byGo(raw); !s.equal(&seen) {
			differ = fmt.Sprintf("strictly %+v, net/http %+v of %.500q", s, seen, raw)
		}
		asked = append(asked, s.known(raw))
	}
	if asked = append(asked, others...); j.node == nil || len(asked) == 0 {
		return arrived, nil, differ
	}
	byNode = j.node.read(t, asked...)
	for i := range sent {
		s, seen := &arrived[i], &byNode[i]
		seen.unknown(s)
		if !s.equal(seen) {
			differ = fmt.Sprintf("strictly %+v, llhttp %+v of %.500q", *s, *seen, sent[i])
		}
	}
	return arrived, byNode[len(sent):], differ
}

// llhttp takes the methods of a list only, and reads each of them but CONNECT in
// the same way. So that it judges what is around others, it is shown POST there.
var llhttpMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}

// known is raw with methods that llhttp knows.
func (s *stream) known(raw string) string {
	for i := len(s.starts) - 1; i >= 0; i-- {
		method, rest, ok := strings.Cut(raw[s.starts[i]:], " ")
		if ok && !slices.Contains(llhttpMethods, method) {
			raw = raw[:s.starts[i]] + "POST " + rest
		}
	}
	return raw
}

// unknown puts the methods back that known replaced, of a stream that strictly
// read as o.
func (s *stream) unknown(o *stream) {
	back := func(m, was *meaning) {
		if m.method == "POST" && !slices.Contains(llhttpMethods, was.method) {
			m.method = was.method
		}
	}
	for i := range min(len(s.requests), len(o.requests)) {
		back(&s.requests[i], &o.requests[i])
	}
	if s.partial != nil && o.partial != nil {
		back(s.partial, o.partial)
	}
}

func TestJudges_SeeTheSame(t *testing.T) {
	j := judges{newLLHTTP(t)}
	f := func(raw string, open bool, want ...string) {
		t.Helper()
		got, _, differ := j.read(t, []string{raw})
		if differ != "" || !slices.Equal(got[0].words(), want) || got[0].open != open {
			t.Errorf("%q: %+v %s", raw, got, differ)
		}
	}
	const one = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
	f("", false)
	f(one, false, `POST /a h "ab"`)
	f(one+one, false, `POST /a h "ab"`, `POST /a h "ab"`)
	f(one[:len(one)-1], true)
	f(one[:len(one)-4], true)
	f("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"+one, false, `GET / h ""`, `POST /a h "ab"`)
	f("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n", false, `POST / h "a"`)
	f("cGET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"+one, false, `cGET / h "a"`, `POST /a h "ab"`)
	f("POST / HTTP/1.1\r\nPragma: no-cache\r\nHost: h\r\nA: \xff\r\na: \r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n1\r\na\r\n", true)
	f("GET / HTTP/1.1\r\nHost: h\r\n"+strings.Repeat("A: b\r\n", 100)+"\r\n", false, `GET / h ""`)
}
