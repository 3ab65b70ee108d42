package proxy

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// headSent asks and returns what came to the upstream, with drover's own
// request ids as ID.
func headSent(t *testing.T, r *rig, up *upstream, c *peer, raw string) string {
	t.Helper()
	c.send(raw)
	if got := c.reply("GET"); got.StatusCode != 200 {
		t.Errorf("%q: %d", raw, got.StatusCode)
	}
	return ownID.ReplaceAllString(up.last(), "X-Request-Id: ID\r\n")
}

var ownID = regexp.MustCompile(`X-Request-Id: [0-9a-f]{32}\r\n`)

// What a client says of itself and of those before it is believed when it is a
// trusted proxy, and dropped otherwise, in every spelling.
func TestTrust_OverTheWire(t *testing.T) {
	up := answering(t, plain("x"))
	socket := filepath.Join(t.TempDir(), "s")
	f := func(trusted []string, network, fields, want, client string) {
		t.Helper()
		r := newRig(t, func(c *config.Config) {
			c.Server.TrustedProxies = trusted
			if network == "unix" {
				c.Server.Listeners[0].Address = "unix:" + socket
			}
		}, up.addr)
		got := headSent(t, r, up, r.dial(), "GET / HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n")
		if want = "GET / HTTP/1.1\r\nHost: h\r\n" + want + "\r\n"; got != want {
			t.Errorf("%v: %q came as\n%s\nwant\n%s", trusted, fields, got, want)
		}
		r.logged(func(l map[string]any) bool { return l["client"] == client })
	}
	const own = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nX-Request-Id: ID\r\n"
	anybody := []string{"127.0.0.0/8", "10.0.0.0/8"}
	forged := "X-Forwarded-For: 6.6.6.6\r\nX-FORWARDED-PROTO: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /x\r\n" +
		"X-Forwarded-Client-Cert: c\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Request-Id: theirs\r\n"
	f(nil, "tcp", forged, own, "127.0.0.1")
	f([]string{"192.0.2.0/24"}, "tcp", forged, own, "127.0.0.1")
	f(nil, "unix", forged, strings.Replace(own, "X-Forwarded-For: 127.0.0.1\r\n", "", 1), "")

	spelled := "X_Forwarded_For: 6.6.6.6\r\nX.Forwarded.For: 6.6.6.6\r\nX-Forwarded_For: 6.6.6.6\r\nx_real_ip: 6.6.6.6\r\nX-Real.IP: 6.6.6.6\r\n" +
		"X_Forwarded_Proto: https\r\nX_Forwarded_Port: 1\r\nX_Request_Id: theirs\r\nX_Forwarded_Tls_Client_Cert_Information: long\r\n"
	f(nil, "tcp", spelled, own, "127.0.0.1")
	f(anybody, "tcp", spelled, own, "127.0.0.1") // no proxy spells them so

	f(anybody, "tcp", "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outside\r\nX-Forwarded-Port: 443\r\n"+
		"Forwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nX-Request-Id: theirs\r\n",
		"X-Forwarded-Port: 443\r\nForwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n"+
			"X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1, 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outside\r\nX-Request-Id: theirs\r\n", "203.0.113.9")
	f(anybody, "tcp", "X-Request-Id: \"quoted\"\r\n", own, "127.0.0.1") // none that can be logged as it is
	f(anybody, "tcp", "X-Request-Id: "+strings.Repeat("a", 200)+"\r\n", own, "127.0.0.1")

	// Naming drover's own fields in Connection does not take them away, wherever
	// and how often it is said.
	f(nil, "tcp", "Connection:\r\nConnection: X-Forwarded-For, x-forwarded-proto\r\nConnection: keep-alive ,, X-Forwarded-Host,X-Request-Id,Host\r\n", own, "127.0.0.1")
	f(anybody, "tcp", "Connection: X-Forwarded-For\r\nX-Forwarded-For: 203.0.113.9\r\n",
		strings.Replace(own, "For: ", "For: 203.0.113.9, ", 1), "203.0.113.9")
}

// A header that a route sets is what the route says, whatever the client sends
// and however it spells it; one that it removes does not come.
func TestTrust_WhatARouteAssertsCannotBeForged(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, func(c *config.Config) {
		c.Routes = []config.Route{{Match: config.Match{Path: "/"}, Pool: "app", Headers: config.HeaderEdits{Request: config.HeaderEdit{
			Set: map[string]string{"X-User": "nobody"}, Remove: []string{"Authorization", "X-Admin"},
		}}}}
	}, up.addr)
	c := r.dial()
	for _, forged := range []string{
		"X-User: root\r\nX-User: root\r\n", "x-user: root\r\nX_User: root\r\nx.user: root\r\nX_USER: root\r\n",
		"Connection: X-User\r\nX-User: root\r\n", "authorization: Basic x\r\nAUTHORIZATION: Basic x\r\n", "X-Admin: 1\r\nX_Admin: 1\r\nx.admin: 1\r\n",
	} {
		got := headSent(t, r, up, c, "GET / HTTP/1.1\r\nHost: h\r\n"+forged+"\r\n")
		want := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nX-Request-Id: ID\r\nX-User: nobody\r\n\r\n"
		if got != want {
			t.Errorf("%q came as\n%s", forged, got)
		}
	}
}

// What is nobody's business on the way goes up as it came: order, case, blanks
// within, repetitions, bytes of any alphabet.
func TestTrust_OtherFieldsGoUpByteForByte(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	c := r.dial()
	const fields = "user-AGENT: a  b\r\nAccept: */*\r\nCookie: a=\"b; c\";;d = e; \xff=1\r\ncookie: again\r\nX-Empty: \r\nIf-None-Match: \"x\", W/\"y\"\r\n" +
		"Date: never\r\nauthorization: Basic \xc3\xa4\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nVia: 1.0 x\r\nX-User: a\r\nX_User: b\r\nRange: bytes=0-\r\nTrailer: x\r\n"
	for _, path := range []string{"/a//b/../%2e%2E/%2f;p=1?x=1;y=%zz&\"<>&&?", "/", "//", "/?", "/%00?%"} {
		got := headSent(t, r, up, c, "GET "+path+" HTTP/1.1\r\nHost: H.example:81\r\n"+fields+"\r\n")
		want := "GET " + path + " HTTP/1.1\r\nHost: H.example:81\r\n" + fields + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: H.example:81\r\nX-Request-Id: ID\r\n\r\n"
		if got != want {
			t.Errorf("upstream got\n%s\nwant\n%s", got, want)
		}
	}
	r.logged(func(l map[string]any) bool { return l["traceId"] == "0af7651916cd43dd8448eb211c80319c" })
}
