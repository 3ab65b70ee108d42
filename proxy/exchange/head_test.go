package exchange

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// parseHead parses b in pieces of step bytes.
func parseHead(b []byte, step int) (*head, int, error) {
	h := new(head)
	h.begin()
	for end := step; ; end += step {
		n, err := h.parse(b[:min(end, len(b))])
		if n > 0 || err != nil || end >= len(b) {
			return h, n, err
		}
	}
}

func TestHead_IsTheSameInPieces(t *testing.T) {
	const s = "HTTP/1.1 200 All right\r\nContent-Length:  12 \r\nConnection: a,close\r\nX:\r\nKeep-Alive: timeout=7\r\n\r\nbody"
	for step := 1; step <= len(s); step++ {
		h, n, err := parseHead([]byte(s), step)
		if err != nil || n != len(s)-len("body") || h.status != 200 || string(h.reason) != "All right" ||
			h.length != 12 || !h.closes || h.hold.Seconds() != 7 || len(h.fields) != 4 {
			t.Fatalf("step %d: %d %v %+v", step, n, err, h)
		}
	}
}

func TestPrintable_FindsControlCharacters(t *testing.T) {
	for at := range 20 {
		for c := range 256 {
			b := bytes.Repeat([]byte{0x80, ' '}, 10)
			b[at] = byte(c)
			want := c >= ' ' && c != 0x7f || c == '\t'
			if printable(b) != want {
				t.Errorf("%#x at %d: %v", c, at, !want)
			}
		}
	}
}

func TestDecimal_DoesNotOverflow(t *testing.T) {
	f := func(s string, want int64, ok bool) {
		t.Helper()
		if n, good := decimal([]byte(s)); n != want || good != ok {
			t.Errorf("%q: %d %v", s, n, good)
		}
	}
	f("0", 0, true)
	f("0012", 12, true)
	f("9223372036854775807", 1<<63-1, true)
	f("9223372036854775808", 0, false)
	f("18446744073709551617", 0, false)
	f("", 0, false)
	f("-1", 0, false)
	f("1 ", 0, false)
}

// FuzzHead: whatever we accept, net/http accepts, and frames the same way.
func FuzzHead(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.0 200\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 304 Not Modified\nContent-Length: 3\nContent-Length: 3\n\n",
		"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close, x\r\nX-A: b\tc\r\n\r\nuntil close",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
	} {
		f.Add([]byte(s), false, uint8(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, isHead bool, step uint8) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		h, n, err := parseHead(b, int(step)+1)
		if whole, m, errWhole := parseHead(b, len(b)+1); m != n || (err == nil) != (errWhole == nil) || whole.status != h.status && err == nil {
			t.Fatalf("in pieces: %d %v; at once: %d %v", n, err, m, errWhole)
		}
		if err != nil || n == 0 {
			return
		}
		how, length, err := h.framing(method)
		if err != nil {
			return
		}
		if h.status < 200 {
			return // net/http frames 1xx like the others; the caller never does
		}
		br := bufio.NewReader(bytes.NewReader(b))
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("accepted; net/http says %v", err)
		}
		if resp.StatusCode != h.status || resp.ProtoMinor > 0 != (h.minor > 0) {
			t.Fatalf("status %d %d, net/http %d %d", h.status, h.minor, resp.StatusCode, resp.ProtoMinor)
		}
		chunked := len(resp.TransferEncoding) > 0
		switch how {
		case noBody:
			// For HEAD it tells the length that a GET would have had.
			if rest, _ := io.ReadAll(resp.Body); len(rest) > 0 {
				t.Fatalf("no body; net/http reads %q", rest)
			}
		case byLength:
			if resp.ContentLength != length || chunked {
				t.Fatalf("length %d; net/http %d %v", length, resp.ContentLength, resp.TransferEncoding)
			}
		case byChunks:
			if !chunked {
				t.Fatal("chunked; net/http does not think so")
			}
		case byClose:
			if resp.ContentLength != -1 || chunked {
				t.Fatalf("until close; net/http %d %v", resp.ContentLength, resp.TransferEncoding)
			}
		}
		if h.reusable() && how != byClose && resp.Close {
			t.Fatal("kept; net/http closes")
		}
		for _, f := range h.fields {
			name := http.CanonicalHeaderKey(string(f.Name))
			if name == "Connection" || name == "Content-Length" || name == "Transfer-Encoding" || name == "Trailer" {
				continue // taken out of the map, or merged
			}
			found := false
			for _, v := range resp.Header[name] {
				found = found || v == string(f.Value)
			}
			if !found {
				t.Fatalf("field %q: %q; net/http has %q", f.Name, f.Value, resp.Header[name])
			}
		}
	})
}

func TestHead_NeedsItsLimits(t *testing.T) {
	f := func(b string, ok bool) {
		t.Helper()
		if _, n, err := parseHead([]byte(b), 4096); (err == nil && n == len(b)) != ok {
			t.Errorf("%d bytes: %d %v", len(b), n, err)
		}
	}
	const start, end = "HTTP/1.1 200 OK\r\n", "\r\n\r\n"
	f(start+strings.Repeat("A: b\r\n", maxFields)+"\r\n", true)
	f(start+strings.Repeat("A: b\r\n", maxFields+1)+"\r\n", false)
	f(start+"A: "+strings.Repeat("a", maxHead-len(start)-len("A: ")-len(end))+end, true)
	f(start+"A: "+strings.Repeat("a", maxHead-len(start)-len("A: ")-len(end)+1)+end, false)
}
