package proxy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Whatever a client sends: what goes upstream is read in the same way by two
// strict parsers, it is what they read in the client's bytes, and each answer
// belongs to its request. A seed other than 0 says how raw is changed first.
func FuzzCorpus_NothingIsSmuggled(f *testing.F) {
	for i, s := range corpus {
		if len(s.raw) < 8<<10 {
			f.Add(s.raw, uint64(0))
			f.Add(s.raw+nextRaw, uint64(i+1))
		}
	}
	node, r := newLLHTTP(f), newCorpusRig(f)
	f.Fuzz(func(t *testing.T, raw string, seed uint64) {
		if len(raw) > 64<<10 {
			return
		}
		if seed != 0 {
			raw = weave(raw, rand.New(rand.NewPCG(seed, 1)))
		}
		answered, sent := r.through(t, raw, true)
		checkRelayed(t, node, raw, answered, sent)
	})
}

// checkRelayed judges what was sent upstream for raw, and what was answered.
func checkRelayed(t *testing.T, node *llhttp, raw string, answered []byte, sent []string) {
	var arrived, methods []string
	for i, one := range sent {
		seen := byGo(one)
		// A body that breaks off ends its connection, and the client's.
		if seen.fault != "" || seen.open && i < len(sent)-1 {
			t.Fatalf("%q: net/http says %+v of %q", raw, seen, one)
		}
		if node != nil {
			if other := node.read(t, one); !seen.agrees(other) {
				t.Fatalf("%q: net/http says %+v, llhttp %+v of %q", raw, seen, other, one)
			}
		}
		arrived = append(arrived, seen.requests...)
	}
	meant := byGoBetweenLines(raw)
	for i := range meant.requests {
		meant.requests[i] = inOriginForm(meant.requests[i])
	}
	if len(arrived) > len(meant.requests) || !slices.Equal(arrived, meant.requests[:len(arrived)]) {
		t.Fatalf("%q: arrived %q, meant %+v", raw, arrived, meant)
	}
	if node != nil {
		// It may refuse what drover takes, as a method that it does not know. What it
		// reads must be the same.
		other := node.read(t, raw)
		for i := range min(len(other.requests), len(arrived)) {
			if means := inOriginForm(other.requests[i]); means != arrived[i] {
				t.Fatalf("%q: arrived %q, llhttp means %q", raw, arrived[i], means)
			}
		}
	}
	for _, a := range arrived {
		m, _, _ := strings.Cut(a, " ")
		methods = append(methods, m)
	}
	back := readAnswers(answered, methods)
	if back.fault != nil {
		t.Fatalf("%q: answered %q: %v", raw, answered, back.fault)
	}
	served := 0
	for i, status := range back.statuses {
		if status == 200 && (i >= len(arrived) || methods[i] != "HEAD" && back.bodies[i] != arrived[i]) {
			t.Fatalf("%q: answer %d is %q, arrived %q", raw, i, back.bodies[i], arrived)
		}
		if status == 200 {
			served++
		}
		if status >= 500 && status != 505 {
			t.Fatalf("%q: answered %d", raw, status)
		}
	}
	if served < len(arrived) {
		t.Fatalf("%q: %d of %d answers came: %q", raw, served, len(arrived), answered)
	}
}

// inOriginForm is a request in words as drover sends it on: the target in origin
// form, and with a Host, which HTTP/1.0 may leave out.
func inOriginForm(words string) string {
	parts := strings.SplitN(words, " ", 4)
	if strings.Contains(parts[1], "://") && parts[1][0] != '/' {
		m := message{method: []byte(parts[0])}
		if m.absolute([]byte(parts[1])) != nil {
			return words
		}
		parts[1], parts[2] = string(m.target), string(m.authority)
	}
	if parts[2] == "" {
		parts[2] = "localhost" // of a Unix socket
	}
	return strings.Join(parts, " ")
}

// weavePieces are put into requests by weave.
var weavePieces = []string{
	"\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", "\x00", "\x0b", "\x7f", ":", ";", ",", "\"", "0", "1", "a", "\xa0",
	"0\r\n\r\n", "1\r\na\r\n", "3;a=b\r\nabc\r\n", "ffffffffffffffff\r\n", evil,
	"Content-Length: 3\r\n", "Content-Length: 0\r\n", "Content-Length: " + itoa(len(evil)) + "\r\n", "Content-Length:\r\n",
	"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding:\x0bchunked\r\n",
	"Host: evil\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: Content-Length\r\n", "Connection: Host, Transfer-Encoding\r\n",
	"Expect: 100-continue\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "TE: trailers\r\n", "A: b\r\n c\r\n", ": b\r\n",
	" HTTP/1.1\r\n", " HTTP/1.0\r\n", "GET ", "POST ", "HEAD ", "http://evil", "%0d%0a", "//", "#", "?",
}

// weave changes raw in a few places as somebody would who knows the protocol:
// lines are doubled, moved, taken from other samples, ends of lines are bent.
func weave(raw string, random *rand.Rand) string {
	for range 1 + random.IntN(4) {
		lines := strings.SplitAfter(raw, "\n")
		at := random.IntN(len(lines))
		switch random.IntN(7) {
		case 0: // a line of another sample
			other := strings.SplitAfter(corpus[random.IntN(len(corpus))].raw, "\n")
			lines = slices.Insert(lines, at, other[random.IntN(len(other))])
		case 1: // a line twice
			lines = slices.Insert(lines, at, lines[random.IntN(len(lines))])
		case 2: // a line away
			lines = slices.Delete(lines, at, at+1)
		case 3: // another end
			lines[at] = strings.TrimRight(lines[at], "\r\n") + weavePieces[random.IntN(6)]
		case 4: // another request behind
			lines = append(lines, corpus[random.IntN(len(corpus))].raw)
		case 5: // a line known to make trouble
			lines = slices.Insert(lines, at, weavePieces[random.IntN(len(weavePieces))])
		default: // something within
			i := random.IntN(len(lines[at]) + 1)
			lines[at] = lines[at][:i] + weavePieces[random.IntN(len(weavePieces))] + lines[at][i:]
		}
		raw = strings.Join(lines, "")
	}
	return raw[:min(len(raw), 64<<10)]
}
