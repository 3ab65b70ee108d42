package proxy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// peerProxy is another proxy that the corpus goes through, to see what careful
// people decided where the RFC leaves a choice.
type peerProxy struct {
	binary string
	args   []string // with the settings file behind them
	conf   string   // settings; FRONT, UP and DIR are replaced
}

var nginxProxy = peerProxy{"nginx", []string{"-e", "stderr", "-c"}, `
daemon off; worker_processes 1; pid DIR/nginx.pid; error_log stderr crit;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path DIR/a; proxy_temp_path DIR/b; fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e;
	server {
		listen unix:FRONT; client_header_timeout 1s; client_body_timeout 1s; lingering_close off;
		location / {
			proxy_pass http://unix:UP:; proxy_http_version 1.1; proxy_request_buffering off; proxy_ignore_client_abort on;
			proxy_set_header Host $http_host; proxy_set_header Connection "";
		}
	}
}
`}

var haproxyProxy = peerProxy{"haproxy", []string{"-db", "-f"}, `
global
	maxconn 256
	nbthread 1
defaults
	mode http
	timeout connect 2s
	timeout client 300ms
	timeout server 2s
frontend front
	bind unix@FRONT
	default_backend app
backend app
	server up unix@UP
`}

// start runs the proxy with a recorder behind it and returns the way through.
func (p *peerProxy) start(t *testing.T) func(testing.TB, string) relayed {
	t.Helper()
	workertest.Need(t, p.binary)
	dir := corpusDir(t)
	front, upstream, file := filepath.Join(dir, "front"), filepath.Join(dir, "up"), filepath.Join(dir, "conf")
	up := record(t, "unix", upstream, true)
	if err := os.Chmod(upstream, 0o777); err != nil {
		t.Fatal(err)
	}
	conf := strings.NewReplacer("FRONT", front, "UP", upstream, "DIR", dir).Replace(p.conf)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(p.binary, append(p.args, file)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	eventually(t, p.binary+" to listen", func() bool {
		nc, err := net.Dial("unix", front)
		if err != nil {
			return false
		}
		return nc.Close() == nil
	}, nil)
	return func(t testing.TB, raw string) relayed {
		t.Helper()
		return relayed{exchangeRaw(t, "unix", front, raw), up.take(t)}
	}
}

func TestCorpus_ThroughNginx(t *testing.T) {
	throughCorpus(t, nginxProxy.start(t), func(d difference) string { return d.nginx }, nil)
}

func TestCorpus_ThroughHAProxy(t *testing.T) {
	throughCorpus(t, haproxyProxy.start(t), func(d difference) string { return d.haproxy }, nil)
}

// peersDiffer has what nginx and HAProxy do otherwise. A sample is in one row, so
// that what both do otherwise cannot hide in two: those come first, and say why
// drover does not do as they do. It is mostly the stricter one, since upstreams were
// fooled with just that.
var peersDiffer = []difference{
	{taken, taken, "a bare LF ends a line to them (RFC 9112 section 2.2 allows that), and they write CR LF anew; drover has it behind the request line only, since what is one line to others in front must not be two here", []string{
		"TE hidden behind a bare LF", "bare LF behind a header", "bare LF at the end of the section", "bare LF throughout",
	}},
	{taken, taken, "they skip blanks in the request line and write it anew; drover has a request line of one form, RFC 9112 section 3", []string{
		"two spaces before the target", "two spaces behind the target",
	}},
	{taken, taken, "they take minor versions that nobody has defined and speak 1.1 upstream; drover says 505", []string{
		"version 1.2",
	}},
	{taken, taken, "they look for little more in Host than slashes and control bytes and pass it on. A Host that is none is to be answered with 400, RFC 9112 section 3.2: who reads it as a URL sees another host than who routed by it", []string{
		"Host with user information", "Host with a query", "Host with a fragment", "Host with a backslash",
		"Host with high bytes", "Host with a port too large", "Host with a port of letters", "Host with two ports",
		"Host as IPv6, unclosed", "Host as IPv6, with something behind", "Host as IPv6 of letters",
		"Host with a vertical bar", "Host with braces", "Host with a broken escape",
	}},
	{taken, taken, "one takes any scheme as http, the other leaves it to the upstream; drover serves http and https", []string{
		"absolute form of another scheme",
	}},
	{taken, taken, "they skip blanks behind the digits, which the grammar has not, and the zeros before them; drover counts 15 digits at most, so that nothing can overflow", []string{
		"chunk size with a hundred zeros", "chunk size with a blank behind", "chunk size with a tab behind",
	}},
	{taken, taken, "a bare LF ends a chunk's line to them; as they frame the body anew it does no harm there. Forwarded as it came it is Go 2025-22871, and RFC 9112 section 2.2 has no such choice for chunks", []string{
		"chunk size with a bare LF", "last chunk with a bare LF", "end of the body with a bare LF",
		"chunk data with a bare LF behind", "chunk extension with a bare LF",
		"chunk extension with a bare LF, and a size behind", "chunk data shorter than its size",
	}},
	{taken, taken, "they skip what is behind a semicolon, whatever it is and however long. Drover takes the grammar only (a quote that is open at the line's end was Jetty 2026-2332) and has a bound (Go 2023-39326)", []string{
		"chunk extension with a NUL", "chunk extension of 2 KB", "chunk extensions of 30 KB",
		"chunk extension with a line's end in quotes", "chunk extension with an escaped quote and no end",
		"chunk extension without a name", "chunk extension that is no token", "chunk extension with a blank at the end",
	}},
	{taken, either, "nginx passes nothing of a trailer on; HAProxy has passed the body on when it comes to it. Drover ends the request, so that its upstream does not take it for whole", []string{
		"trailer without a name", "trailer without a colon", "trailer with a space before the colon",
		"trailer that is a request", "trailer of 20 KB",
	}},
	{taken, taken, "nginx passes nothing of a trailer on; HAProxy reads it as it reads a header section, with bare LF and folds", []string{
		"trailer folded", "trailer with a bare LF",
	}},
	{taken, taken, "they look for 100-continue and ignore every other expectation; RFC 9110 section 10.1.1 allows that and 417", []string{
		"Expect of something else",
	}},
	{broken, broken, "they pass control bytes on, which net/http refuses, as drover does: RFC 9110 section 5.5", []string{
		"SOH in a value", "ESC in a value", "DEL in a value",
	}},
	{otherwise, refused, "in nginx $http_host is the Host line, which may differ from the target; HAProxy refuses that. RFC 9112 section 3.2.2 has the target win, and drover writes its authority into Host", []string{
		"absolute form of another host",
	}},
	{otherwise, otherwise, "one makes it the path /, the other passes the absolute form on; RFC 9112 section 3.2.4 has a proxy send *", []string{
		"absolute form of OPTIONS *",
	}},

	{refused, asHere, "it knows no target but a path or a URL", []string{
		"OPTIONS *",
	}},
	{refused, asHere, "it compares Transfer-Encoding and Content-Length with what is around them (a tab, blanks behind); RFC 9110 section 5.5 has them taken off", []string{
		"TE with a tab before the value", "TE with blanks around the value", "CL with blanks around",
	}},
	{refused, asHere, "its normal form of a path may have no NUL; drover sends the path as it came and routes by a copy", []string{
		"target with an escaped NUL",
	}},
	{refused, asHere, "it takes one Expect line; equal ones say nothing else", []string{
		"Expect twice",
	}},
	{taken, asHere, "it takes the second CR for a blank behind the value", []string{
		"CR CR LF",
	}},
	{taken, asHere, "ignore_invalid_headers drops such lines silently: what one side drops another may read, so drover refuses them", []string{
		"no colon", "name with a slash", "name with a quote", "name with a high byte", "name in brackets",
	}},
	{taken, asHere, "it skips blanks in the request line and writes it anew", []string{
		"space behind the version",
	}},
	{taken, asHere, "it sends such a target as it came", []string{
		"target with high bytes", "target with a fragment", "absolute form with a fragment",
	}},
	{taken, asHere, "it takes HTTP/0.9, whose request is one line", []string{
		"no version",
	}},
	{taken, asHere, "it takes any minor version of HTTP/1 as 1.1", []string{
		"version 1.10",
	}},
	{taken, asHere, "it looks for little more than slashes and control bytes in Host", []string{
		"Host that is none beside an absolute form",
	}},
	{taken, asHere, "it bounds the bytes of a header section, not the lines", []string{
		"101 headers",
	}},
	{otherwise, asHere, "its methods have capitals only: cGET is refused", []string{
		"bytes behind a body",
	}},

	{asHere, taken, "with both lengths it drops Content-Length, as RFC 9112 section 6.3 allows; drover refuses", []string{
		"CL.TE", "TE.CL", "CL.TE, equal", "CL of zero and TE", "CL.TE, odd case", "CL.TE, the TE hidden by Connection",
	}},
	{asHere, taken, "it unfolds lines before it reads them, as RFC 9112 section 5.2 allows", []string{
		"TE folded", "TE hidden behind a fold", "CL folded", "TE with a space before the name", "obs-fold with a space",
		"obs-fold with a tab", "obs-fold of nothing", "obs-fold that is a header",
	}},
	{asHere, taken, "it merges equal lengths into one; RFC 9110 section 8.6 allows both", []string{
		"CL twice, equal", "CL twice, equal in number", "CL list, equal",
	}},
	{asHere, taken, "it skips blanks in the request line and writes it anew", []string{
		"tab before the target", "tab behind the target",
	}},
	{asHere, taken, "it passes any target without control bytes", []string{
		"target * of a GET",
	}},
	{asHere, taken, "it is a proxy for CONNECT, too; drover is not", []string{
		"CONNECT",
	}},
	{asHere, taken, "it takes any version of one digit, a dot and one digit, and speaks 1.1 upstream", []string{
		"version 0.9", "version 2.0",
	}},
	{asHere, taken, "it leaves Host to the upstream, even where it is missing, and merges equal ones; drover routes by it", []string{
		"no Host", "Host empty", "Host twice, equal", "Host list", "Host with a path", "Host with a blank",
		"Host as a URL",
	}},
	{asHere, taken, "it passes the absolute form on and leaves it to the upstream", []string{
		"absolute form without a host", "absolute form without Host",
	}},
	{asHere, broken, "it sees chunked in the list and passes the list on as it is", []string{
		"TE with a comma",
	}},
	{asHere, broken, "it passes Transfer-Encoding of HTTP/1.0 on: to an upstream that ignores it there, as Go does, the body is another request", []string{
		"TE on HTTP/1.0", "TE and CL on HTTP/1.0",
	}},
	{asHere, broken, "its lengths have 64 bits without a sign; Go, as drover, reads 63", []string{
		"CL past 64 bits",
	}},
	{asHere, broken, "it passes NUL on, which net/http refuses, as drover does", []string{
		"NUL in a value",
	}},
	{asHere, broken, "it passes broken escapes on, which net/http refuses, as drover does", []string{
		"target with a broken escape",
	}},
	{asHere, refused, "it bounds the length of a name", []string{
		"long name", "long name with framing behind, as of 8 bits",
	}},
	{asHere, refused, "it refuses a URL with a query and no path, which RFC 3986 has", []string{
		"absolute form, a query without a path",
	}},
	{asHere, refused, "a WebSocket needs a key to it, which drover leaves to the upstream", []string{
		"Upgrade that is not taken",
	}},
	{asHere, otherwise, "it passes the absolute form on, where RFC 9112 section 3.2.2 has every server understand it; drover sends the origin form", []string{
		"absolute form", "absolute form in capitals", "absolute form without a path",
	}},
}
