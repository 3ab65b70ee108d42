package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// request builds a message as the front would, from raw bytes.
func request(t testing.TB, raw string) *message {
	t.Helper()
	m, r := parsed(raw)
	if r != nil {
		t.Fatalf("%q: %s", raw, r.message)
	}
	return m
}

func parsed(raw string) (*message, *refusal) {
	line, rest, _ := strings.Cut(raw, "\r\n")
	method, rest2, _ := strings.Cut(line, " ")
	target, proto, _ := strings.Cut(rest2, " ")
	m := &message{method: []byte(method), proto: []byte(proto), peer: netip.MustParseAddr("192.0.2.7"), peerText: []byte("192.0.2.7")}
	if r := m.scan([]byte(rest), 100); r != nil {
		return nil, r
	}
	if r := m.locate([]byte(target), proto == "HTTP/1.1"); r != nil {
		return nil, r
	}
	return m, nil
}

func sent(m *message, o outgoing) string {
	o.id = []byte("id")
	if o.target == nil {
		o.target = m.target
	}
	return string(o.appendHead(nil, m))
}

// Go 2021-33197: with several Connection lines only the first was looked at.
func TestHeaders_HopByHopFieldsStayOnTheirHop(t *testing.T) {
	m := request(t, "GET / HTTP/1.1\r\nHost: h\r\nConnection: \r\nConnection: close, X-Secret ,, x-other\r\nX-Secret: 1\r\nX-OTHER: 2\r\n"+
		"Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Stays: 3\r\n\r\n")
	want := "GET / HTTP/1.1\r\nHost: h\r\nX-Stays: 3\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n" +
		"X-Request-Id: id\r\nConnection: TE\r\nTE: trailers\r\n\r\n"
	if got := sent(m, outgoing{}); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

// Traefik 2024-45410 and Apache 2022-31813 let Connection take away what the proxy
// says, Traefik 2026-88011 let other spellings of it pass.
func TestHeaders_NobodyForgesForwardingFields(t *testing.T) {
	raw := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n" +
		"Forwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nX_Forwarded_For: 1.1.1.1\r\nx.real.ip: 1.1.1.1\r\nX-Request-Id: mine\r\n" +
		"X-Forwarded-Of-A-Length-That-Nobody-Uses: 1\r\nX_Forwarded_Of_A_Length_That_Nobody_Uses: 1\r\n" +
		"Connection: X-Forwarded-Host, X-Forwarded-For, X-Request-Id\r\n\r\n"
	want := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nX-Request-Id: id\r\n\r\n"
	if got := sent(request(t, raw), outgoing{}); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

func TestHeaders_TrustedProxiesAreContinued(t *testing.T) {
	m := request(t, "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"+
		"X-Forwarded-Host: outside\r\nForwarded: for=x\r\nX_Forwarded_For: 1.1.1.1\r\n\r\n")
	want := "GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=x\r\nX-Forwarded-For: 198.51.100.1, 10.0.0.1, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n" +
		"X-Forwarded-Host: outside\r\nX-Request-Id: id\r\n\r\n"
	if got := sent(m, outgoing{trusted: true}); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

func TestHeaders_EditsOfTheRoute(t *testing.T) {
	e, err := newEdit("routes[0].headers.request", config.HeaderEdit{
		Set:    map[string]string{"X-A": "new", "host": "inside", "X-Forwarded-Proto": "wss"},
		Remove: []string{"cookie", "X_Role"},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := request(t, "GET /x HTTP/1.1\r\nHost: h\r\nx-a: 1\r\nX-A: 2\r\nx_a: 3\r\nX.A: 4\r\nCookie: c\r\nx-role: 5\r\nXA: 6\r\n\r\n")
	want := "GET /x HTTP/1.1\r\nHost: inside\r\nXA: 6\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: h\r\nX-Request-Id: id\r\nX-A: new\r\nX-Forwarded-Proto: wss\r\n\r\n"
	if got := sent(m, outgoing{edit: e}); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []config.HeaderEdit{
		{Set: map[string]string{"Transfer-Encoding": "x"}}, {Remove: []string{"Content-Length"}},
		{Set: map[string]string{"X": "a\r\nB: c"}}, {Set: map[string]string{"X y": "a"}},
	} {
		if _, err := newEdit("r", bad); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestTrust_ClientIsTheLastOneNotTrusted(t *testing.T) {
	f := func(networks, forwarded, want string) {
		t.Helper()
		tr, err := newTrust(strings.Fields(networks))
		if err != nil {
			t.Fatal(err)
		}
		m := request(t, "GET / HTTP/1.1\r\nHost: h\r\n"+forwarded+"\r\n")
		if got := string(tr.client(m)); got != want {
			t.Errorf("client is %s, want %s", got, want)
		}
	}
	f("", "X-Forwarded-For: 1.1.1.1\r\n", "192.0.2.7")
	f("10.0.0.0/8", "X-Forwarded-For: 1.1.1.1\r\n", "192.0.2.7")
	f("192.0.2.0/24", "X-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1")
	f("192.0.2.0/24 10.0.0.0/8", "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.0.0.9\r\n", "1.1.1.1")
	f("192.0.2.0/24 10.0.0.0/8", "X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\nX-Forwarded-For: 10.0.0.9\r\n", "1.1.1.1")
	f("192.0.2.7", "X-Forwarded-For: junk\r\n", "192.0.2.7")
	f("192.0.2.7", "X-Forwarded-For: 1.1.1.1, junk\r\n", "192.0.2.7")
}

// What is sent upstream must be one request to another parser as well, with the
// same meaning and with nothing forged, whatever a client sends.
func FuzzHeaders_WhatIsSentIsOneRequest(f *testing.F) {
	f.Add("GET", "/a?b", "X-Forwarded-For: 1.2.3.4\r\nConnection: x-a, te\r\nX-A: 1\r\n")
	f.Add("POST", "http://other/x", "Content-Length: 3\r\nX_Forwarded_For: 1\r\nTE: trailers\r\n")
	f.Add("PUT", "/%41", "Transfer-Encoding: chunked\r\nAccept: a\r\nX-Forwarded-Proto: https\r\n")
	f.Add("OPTIONS", "*", "Cookie: a=b; c\r\nX-Real-Ip: 1\r\nConnection: X-Forwarded-Host\r\n")
	f.Fuzz(func(t *testing.T, method, target, lines string) {
		if !isToken(method) || method == "CONNECT" || strings.ContainsAny(target, " \r\n") {
			return
		}
		m, r := parsed(method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n")
		if r != nil {
			return
		}
		head := sent(m, outgoing{})
		body := ""
		switch {
		case m.length < 0:
			body = "0\r\n\r\n"
		case m.length > 1<<16:
			return
		case m.length > 0:
			body = strings.Repeat("x", int(m.length))
		}
		br := bufio.NewReader(strings.NewReader(head + body + "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"))
		got, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("%q is refused: %v", head, err)
		}
		if got.Method != method || got.Host != string(m.authority) || (got.RequestURI != string(m.target)) {
			t.Fatalf("%q means %s %s %s", head, got.Method, got.Host, got.RequestURI)
		}
		if n := int64(len(body)); m.length >= 0 && got.ContentLength != n {
			t.Fatalf("%q has length %d, want %d", head, got.ContentLength, n)
		}
		for key, want := range map[string]string{
			"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": string(m.authority), "X-Request-Id": "id",
		} {
			if v := got.Header.Values(key); len(v) != 1 || v[0] != want {
				t.Fatalf("%q: %s is %q, want %q", head, key, v, want)
			}
		}
		for key := range got.Header {
			switch n := nameOf([]byte(key)); n {
			case nameForwarded, nameAlias, nameKeepAlive, nameProxyConnection, nameExpect, nameHTTP2Settings:
				t.Fatalf("%q has %s", head, key)
			}
		}
		if _, err := io.Copy(io.Discard, got.Body); err != nil {
			t.Fatalf("%q: body: %v", head, err)
		}
		if next, err := http.ReadRequest(br); err != nil || next.Host != "next" {
			t.Fatalf("%q: the next request is not where it should be: %v", head, err)
		}
	})
}

func TestRefuse_WhatParsersDifferOn(t *testing.T) {
	f := func(raw string, want int) {
		t.Helper()
		_, r := parsed(raw)
		got := 0
		if r != nil {
			got = r.status
		}
		if got != want {
			t.Errorf("%q: %d, want %d", raw, got, want)
		}
	}
	ok := "GET / HTTP/1.1\r\nHost: h\r\n"
	f(ok+"\r\n", 0)
	f(ok+"A: b\nC: d\r\n\r\n", 400)
	f(ok+"A : b\r\n\r\n", 400)
	f(ok+" A: b\r\n\r\n", 400)
	f(ok+"A: b\r\n c\r\n\r\n", 400)
	f(ok+": b\r\n\r\n", 400)
	f(ok+"A\r\n\r\n", 400)
	f(ok+"A: b\rc\r\n\r\n", 400)
	f(ok+"A: b\x00c\r\n\r\n", 400)
	f(ok+"A(: b\r\n\r\n", 400)
	f(ok+"A: b\tc\xff\r\n\r\n", 0)
	f(ok+"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400)
	f(ok+"Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400)
	f(ok+"Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 0)
	f(ok+"Content-Length: 3, 3\r\n\r\n", 400)
	f(ok+"Content-Length: +3\r\n\r\n", 400)
	f(ok+"Content-Length: 0x3\r\n\r\n", 400)
	f(ok+"Content-Length:\r\n\r\n", 400)
	f(ok+"Content-Length: 99999999999999999999\r\n\r\n", 400)
	f(ok+"Transfer-Encoding: chunked\r\n\r\n", 0)
	f(ok+"Transfer-Encoding: Chunked\r\n\r\n", 0)
	f(ok+"Transfer-Encoding: identity\r\n\r\n", 400)
	f(ok+"Transfer-Encoding: gzip, chunked\r\n\r\n", 400)
	f(ok+"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400)
	f(ok+"Transfer-Encoding: \x0bchunked\r\n\r\n", 400)
	f(ok+"Transfer-Encoding:\r\n\r\n", 400)
	f(ok+"Host: h\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400)
	f("GET / HTTP/1.0\r\n\r\n", 0)
	f("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400)
	f("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET /?%zz HTTP/1.1\r\nHost: h\r\n\r\n", 0)
	f("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0)
	f("GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400)
}

func TestRefuse_TooManyHeaders(t *testing.T) {
	var m message
	if r := m.scan(bytes.Repeat([]byte("A: b\r\n"), 11), 10); r == nil || r.status != 431 {
		t.Errorf("eleven headers of ten: %v", r)
	}
}

func TestTarget_AbsoluteFormRewritesHost(t *testing.T) {
	f := func(method, target, authority, want string) {
		t.Helper()
		m := request(t, method+" "+target+" HTTP/1.1\r\nHost: other\r\n\r\n")
		if string(m.authority) != authority || string(m.target) != want {
			t.Errorf("%s is %s %s, want %s %s", target, m.authority, m.target, authority, want)
		}
	}
	f("GET", "http://h:8/x?y", "h:8", "/x?y")
	f("GET", "HTTP://h", "h", "/")
	f("GET", "http://h?q", "h", "/?q")
	f("OPTIONS", "http://h", "h", "*")
	f("GET", "/x", "other", "/x")
	f("GET", "//a/b", "other", "//a/b")
}

func TestAuthority_IsAHostWithAPort(t *testing.T) {
	f := func(s string, want bool) {
		t.Helper()
		if got := validAuthority([]byte(s)); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
	f("example.com", true)
	f("example.com:8080", true)
	f("example.com:", true)
	f("[::1]", true)
	f("[::1]:80", true)
	f("", true)
	f("a_b.c~d-1!$&'()*+;=", true)
	f("%41", true)
	f("[::ffff:192.0.2.1]", true)
	f("a:b:c", false)
	f("%4", false)
	f("%zz", false)
	f("a|b", false)
	f("a^b", false)
	f("{a}", false)
	f("a`", false)
	f("a\x00", false)
	f("[]", false)
	f("[a]", false)
	f("[::1%25lo]", false)
	f("[192.0.2.1]", false)
	f("]a", false)
	f("a:99999", false)
	f("a:-1", false)
	f("[::1", false)
	f("[::1]80", false)
	f("a/b", false)
	f("user@a", false)
}

func TestRefuse_AHostThatIsNoneBesideAnAbsoluteTarget(t *testing.T) {
	up := answering(t, plain("never"))
	r := newRig(t, nil, up.addr)
	if got := r.ask("GET http://ha?b HTTP/1.1\r\nHost: Host: evil\r\n\r\n"); got.StatusCode != 400 {
		t.Errorf("%+v", got)
	}
	if n := up.requests(); n != 0 {
		t.Errorf("%d requests went upstream", n)
	}
}
