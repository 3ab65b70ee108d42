package proxy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// start runs the proxy in front of up and returns the path of its socket.
func (p *peerProxy) start(t *testing.T, up string) (front string) {
	t.Helper()
	workertest.Need(t, p.binary)
	dir, err := os.MkdirTemp("", "peer") // socket paths are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	front = filepath.Join(dir, "front")
	conf := strings.NewReplacer("FRONT", front, "UP", up, "DIR", dir).Replace(p.conf)
	file := filepath.Join(dir, "conf")
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
	return front
}

// What another proxy may do otherwise with a sample.
const (
	asHere    = "as here"   // refused (be it with another status), or arrived as the same
	refused   = "refused"   // and drover takes it
	taken     = "taken"     // and drover refuses it
	otherwise = "otherwise" // both take it, and it does not arrive as the same
	broken    = "broken"    // what arrives is malformed to net/http
	either    = "either"    // taken or refused, as the bytes come
)

// outcome says what became of a sample, in a word and in detail.
func (s *sample) outcome(answered []byte, sent []string) (what, detail string) {
	arrived, _ := s.expected()
	var got, methods []string
	for _, raw := range sent {
		seen := byGo(raw)
		if seen.fault != "" {
			return broken, seen.fault
		}
		got = append(got, seen.requests...)
	}
	for _, g := range got {
		m, _, _ := strings.Cut(g, " ")
		methods = append(methods, m)
	}
	back := readAnswers(answered, methods)
	detail = fmt.Sprintf("%.300q, answered %v", got, back.statuses)
	switch {
	case slices.Equal(got, arrived):
		return asHere, detail
	case len(got) == 0:
		return refused, detail
	case s.status != 0:
		return taken, detail
	}
	return otherwise, detail
}

func testPeer(t *testing.T, p *peerProxy, differs []difference) {
	workertest.Need(t, p.binary)
	dir, err := os.MkdirTemp("", "up")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	up := record(t, "unix", filepath.Join(dir, "up"), true)
	if err := os.Chmod(dir, 0o755); err != nil { // nginx's worker is another user
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "up"), 0o777); err != nil {
		t.Fatal(err)
	}
	front := p.start(t, filepath.Join(dir, "up"))
	for _, s := range corpus {
		nc, err := net.Dial("unix", front)
		if err != nil {
			t.Fatal(err)
		}
		got, detail := s.outcome(exchangeRaw(t, nc, s.raw+nextRaw, false), up.take(t))
		want := asHere
		for _, d := range differs {
			if slices.Contains(d.samples, s.name) {
				want = d.outcome
			}
		}
		if want == either && (got == asHere || got == taken) {
			continue
		}
		if got != want {
			t.Errorf("%q: %s, not %s: %s", s.name, got, want, detail)
		}
	}
}

// difference is what another proxy does with some samples, and why that is so.
type difference struct {
	outcome, why string
	samples      []string
}

func TestCorpus_ThroughNginx(t *testing.T) { testPeer(t, &nginxProxy, nginxDiffers) }

func TestCorpus_ThroughHAProxy(t *testing.T) { testPeer(t, &haproxyProxy, haproxyDiffers) }

// Where both take what drover refuses (bare LF, blanks in the request line, odd
// hosts, extensions and lines of chunks) drover stays the stricter one: upstreams
// were fooled with just that. Where neither passes a sample on as drover does:
// control bytes they let through, and Go refuses; OPTIONS for a whole server has
// the target * upstream, RFC 9112 section 3.2.4; and a target in absolute form
// brings its host with it, section 3.2.2, which they leave to the Host line or
// refuse when it differs.
var nginxDiffers = []difference{
	{refused, "it knows no target but a path or a URL", []string{
		"OPTIONS *",
	}},
	{refused, "it compares Transfer-Encoding and Content-Length with what is around them (a tab, blanks behind); RFC 9110 section 5.5 has them taken off", []string{
		"TE with a tab before the value", "TE with blanks around the value", "CL with blanks around",
	}},
	{refused, "its normal form of a path may have no NUL; drover sends the path as it came and routes by a copy", []string{
		"target with an escaped NUL",
	}},
	{refused, "it takes one Expect line; equal ones say nothing else", []string{
		"Expect twice",
	}},
	{taken, "it ends a line at a bare LF (RFC 9112 section 2.2 allows that) and writes CR LF anew; drover does so behind the request line only", []string{
		"TE hidden behind a bare LF", "bare LF behind a header", "bare LF at the end of the section",
		"bare LF throughout", "CR CR LF",
	}},
	{taken, "ignore_invalid_headers drops such lines silently: what one side drops another may read, so drover refuses them", []string{
		"no colon", "name with a slash", "name with a quote", "name with a high byte", "name in brackets",
	}},
	{taken, "it skips blanks in the request line and writes it anew", []string{
		"two spaces before the target", "two spaces behind the target", "space behind the version",
	}},
	{taken, "it sends such a target as it came", []string{
		"target with high bytes", "target with a fragment", "absolute form with a fragment",
	}},
	{taken, "it takes HTTP/0.9, whose request is one line", []string{
		"no version",
	}},
	{taken, "it takes any minor version of HTTP/1 as 1.1", []string{
		"version 1.2", "version 1.10",
	}},
	{taken, "it looks for little more than slashes and control bytes in Host and passes it on; whoever reads it as a URL sees another host, so drover refuses it", []string{
		"Host with user information", "Host with a query", "Host with a fragment", "Host with a backslash",
		"Host with high bytes", "Host with a port too large", "Host with a port of letters", "Host with two ports",
		"Host as IPv6, unclosed", "Host as IPv6, with something behind",
	}},
	{taken, "it takes any scheme as http", []string{
		"absolute form of another scheme",
	}},
	{taken, "it reads the digits as they come and skips blanks behind; drover counts 15 digits at most", []string{
		"chunk size with a hundred zeros", "chunk size with a blank behind", "chunk size with a tab behind",
	}},
	{taken, "it takes a bare LF for the end of a chunk line and frames the body anew, so that it does no harm there; forwarded as it came this is Go 2025-22871", []string{
		"chunk size with a bare LF", "last chunk with a bare LF", "end of the body with a bare LF",
		"chunk data with a bare LF behind", "chunk extension with a bare LF",
		"chunk extension with a bare LF, and a size behind", "chunk data shorter than its size",
	}},
	{taken, "it skips extensions whatever is in them, without a bound; drover has one against Go 2023-39326", []string{
		"chunk extension with a NUL", "chunk extension of 2 KB", "chunk extensions of 30 KB",
	}},
	{taken, "it reads over the trailer and passes nothing of it on", []string{
		"trailer without a name", "trailer without a colon", "trailer folded", "trailer with a bare LF",
		"trailer with a space before the colon", "trailer that is a request", "trailer of 20 KB",
	}},
	{taken, "it looks for 100-continue and ignores every other expectation; RFC 9110 section 10.1.1 allows both", []string{
		"Expect of something else",
	}},
	{taken, "it bounds the bytes of a header section, not the lines", []string{
		"101 headers",
	}},
	{broken, "it passes control bytes on, which Go refuses; drover does", []string{
		"SOH in a value", "ESC in a value", "DEL in a value",
	}},
	{otherwise, "$http_host is the Host line, not the authority of the target, and these may differ; drover writes the authority", []string{
		"absolute form of another host",
	}},
	{otherwise, "it makes the path /, where RFC 9112 section 3.2.4 asks for *", []string{
		"absolute form of OPTIONS *",
	}},
	{otherwise, "its methods have capitals only: cGET is refused", []string{
		"bytes behind a body",
	}},
}

var haproxyDiffers = []difference{
	{taken, "with both lengths it drops Content-Length, as RFC 9112 section 6.3 allows; drover refuses", []string{
		"CL.TE", "TE.CL", "CL.TE, equal", "CL of zero and TE", "CL.TE, odd case",
		"CL.TE, the TE hidden by Connection",
	}},
	{taken, "it unfolds lines before it reads them, as RFC 9112 section 5.2 allows", []string{
		"TE folded", "TE hidden behind a fold", "CL folded", "TE with a space before the name",
		"obs-fold with a space", "obs-fold with a tab", "obs-fold of nothing", "obs-fold that is a header",
	}},
	{taken, "it merges equal lengths into one; RFC 9110 section 8.6 allows both", []string{
		"CL twice, equal", "CL twice, equal in number", "CL list, equal",
	}},
	{taken, "it ends a line at a bare LF (RFC 9112 section 2.2 allows that) and writes CR LF anew; drover does so behind the request line only", []string{
		"TE hidden behind a bare LF", "bare LF behind a header", "bare LF at the end of the section",
		"bare LF throughout",
	}},
	{taken, "it skips blanks in the request line and writes it anew", []string{
		"two spaces before the target", "two spaces behind the target", "tab before the target",
		"tab behind the target",
	}},
	{taken, "it passes any target without control bytes", []string{
		"target * of a GET",
	}},
	{taken, "it is a proxy for CONNECT, too; drover is not", []string{
		"CONNECT",
	}},
	{taken, "it takes any version of one digit, a dot and one digit, and speaks 1.1 upstream", []string{
		"version 1.2", "version 0.9", "version 2.0",
	}},
	{taken, "it leaves Host to the upstream, even where it is missing, and merges equal ones; drover routes by it", []string{
		"no Host", "Host empty", "Host twice, equal", "Host list", "Host with a path", "Host with a blank",
		"Host as a URL", "Host with user information", "Host with a query", "Host with a fragment",
		"Host with a backslash", "Host with high bytes", "Host with a port too large",
		"Host with a port of letters", "Host with two ports", "Host as IPv6, unclosed",
		"Host as IPv6, with something behind",
	}},
	{taken, "it passes the absolute form on and leaves it to the upstream", []string{
		"absolute form without a host", "absolute form of another scheme", "absolute form without Host",
	}},
	{taken, "it skips blanks behind the size and takes up to 64 bits", []string{
		"chunk size with a hundred zeros", "chunk size with a blank behind", "chunk size with a tab behind",
	}},
	{taken, "it takes a bare LF for the end of a chunk line and frames the body anew, so that it does no harm there; forwarded as it came this is Go 2025-22871", []string{
		"chunk size with a bare LF", "last chunk with a bare LF", "end of the body with a bare LF",
		"chunk data with a bare LF behind", "chunk extension with a bare LF",
		"chunk extension with a bare LF, and a size behind", "chunk data shorter than its size",
	}},
	{taken, "it skips extensions whatever is in them, without a bound; drover has one against Go 2023-39326", []string{
		"chunk extension with a NUL", "chunk extension of 2 KB", "chunk extensions of 30 KB",
	}},
	{taken, "it treats the trailer as a header section, bare LF and folds included", []string{
		"trailer folded", "trailer with a bare LF",
	}},
	{either, "the body has been passed on when it comes to the trailer", []string{
		"trailer without a name", "trailer without a colon", "trailer with a space before the colon",
		"trailer that is a request", "trailer of 20 KB",
	}},
	{taken, "it looks for 100-continue and ignores every other expectation; RFC 9110 section 10.1.1 allows both", []string{
		"Expect of something else",
	}},
	{broken, "it sees chunked in the list and passes the list on as it is", []string{
		"TE with a comma",
	}},
	{broken, "it passes Transfer-Encoding of HTTP/1.0 on: to an upstream that ignores it there, as Go does, the body is another request", []string{
		"TE on HTTP/1.0", "TE and CL on HTTP/1.0",
	}},
	{broken, "its lengths have 64 bits without a sign; Go, as drover, reads 63", []string{
		"CL past 64 bits",
	}},
	{broken, "it passes control bytes on, which Go refuses; drover does", []string{
		"NUL in a value", "SOH in a value", "ESC in a value", "DEL in a value",
	}},
	{broken, "it passes broken escapes on, which Go refuses; drover does", []string{
		"target with a broken escape",
	}},
	{refused, "it bounds the length of a name", []string{
		"long name", "long name with framing behind, as of 8 bits",
	}},
	{refused, "it refuses a target whose authority is not the Host; drover lets the target win. RFC 9112 section 3.2.2 and the design allow both", []string{
		"absolute form of another host",
	}},
	{refused, "it refuses a URL with a query and no path, which RFC 3986 has", []string{
		"absolute form, a query without a path",
	}},
	{refused, "a WebSocket needs a key to it, which drover leaves to the upstream", []string{
		"Upgrade that is not taken",
	}},
	{otherwise, "it passes the absolute form on, where RFC 9112 section 3.2.2 has every server understand it; drover sends the origin form", []string{
		"absolute form", "absolute form in capitals", "absolute form without a path", "absolute form of OPTIONS *",
	}},
}
