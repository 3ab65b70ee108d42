package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// numbers stands for the metrics.
type numbers struct{}

func (numbers) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
	_, _ = io.WriteString(w, "# HELP drover_build_info Always 1; the labels say what is running.\n# TYPE drover_build_info gauge\n"+
		"drover_build_info{commit=\"abc\",goversion=\"go1.26\",version=\"1.2.3\"} 1\n")
}

// ask calls the handler as a connection from that origin would. Headers are
// pairs of name and value; Host sets the request's.
func ask(s *Server, from origin, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:9900"+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	r = r.WithContext(context.WithValue(r.Context(), originKey{}, from))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const (
	jsonType = "application/json"
	status   = "/api/v1/status"
	scale    = "/api/v1/pools/app/scale"
)

var (
	local    = origin{loopback: true}
	overUnix = origin{socket: true}
	remote   = origin{}
)

func TestGuard_WithoutTokensWhereDecides(t *testing.T) {
	s := serve(t, &fake{ready: true}, config.Admin{Address: "10.1.2.3:9900", AllowedHosts: []string{"drover.example.com:443"}})
	f := func(from origin, path string, want int) {
		t.Helper()
		if w := ask(s, from, "GET", path, ""); w.Code != want {
			t.Errorf("%+v %s: %d, want %d: %s", from, path, w.Code, want, w.Body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		f(local, path, 200)
		f(overUnix, path, 200)
		f(remote, path, 200)
	}
	for _, path := range []string{"/", status, "/api/v1/config", "/api/v1/events", "/api/v1/workers"} {
		f(local, path, 200)
		f(overUnix, path, 200)
		f(remote, path, 401)
	}
	f(remote, "/nothing", 401)
	f(local, "/nothing", 404)
	f(origin{socket: true, refused: "you are user 7"}, "/healthz", 403)
	if w := ask(s, remote, "GET", status, ""); !strings.Contains(w.Body.String(), "set admin.tokens") || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("401 does not say what to do: %s", w.Body)
	}
	if w := ask(s, remote, "POST", scale, `{"workers":1}`, "Content-Type", jsonType); w.Code != 401 {
		t.Errorf("a stranger's change: %d", w.Code)
	}
}

func TestGuard_HostMustNameThisAPI(t *testing.T) {
	s := serve(t, &fake{ready: true}, config.Admin{Address: "10.1.2.3:9900", AllowedHosts: []string{"Drover.example.com", "[fd00::1]:9900"}})
	f := func(host string, from origin, path string, want int) {
		t.Helper()
		if w := ask(s, from, "GET", path, "", "Host", host); w.Code != want {
			t.Errorf("Host %q %s: %d, want %d", host, path, w.Code, want)
		}
	}
	f("localhost", local, status, 200)
	f("LOCALHOST:1234", local, status, 200)
	f("127.0.0.1:9900", local, status, 200)
	f("127.9.9.9", local, status, 200)
	f("[::1]:9900", local, status, 200)
	f("10.1.2.3:9900", local, status, 200)
	f("drover.EXAMPLE.com:443", local, status, 200)
	f("[fd00::1]", local, status, 200)
	f("evil.example.com", local, status, 421)
	f("localhost.evil.example.com", local, status, 421)
	f("10.1.2.4", local, status, 421)
	f("", local, status, 421)
	f("evil.example.com", local, "/nothing", 421)
	f("evil.example.com", local, "/metrics", 200)
	f("evil.example.com", local, "/healthz", 200)
	f("evil.example.com", local, "/readyz", 200)
	f("evil.example.com", overUnix, status, 200)
	every := origin{loopback: true, reached: net.ParseIP("10.1.2.9")} // of a server that listens on every address
	f("10.1.2.9:9900", every, status, 200)
	f("10.1.2.4:9900", every, status, 421)
	f("evil.example.com", every, status, 421)
}

func TestGuard_PagesOfOthersAreRefused(t *testing.T) {
	f := func(method, path string, want int, headers ...string) {
		t.Helper()
		s := serve(t, &fake{ready: true}, config.Admin{Address: "127.0.0.1:9900"})
		if w := ask(s, local, method, path, `{"workers":1}`, headers...); w.Code != want {
			t.Errorf("%s %s %q: %d, want %d: %s", method, path, headers, w.Code, want, w.Body)
		}
	}
	f("POST", scale, 200, "Content-Type", jsonType)
	f("POST", scale, 200, "Content-Type", "application/json; charset=utf-8")
	f("POST", scale, 200, "Content-Type", jsonType, "Origin", "http://127.0.0.1:9900")
	f("POST", scale, 403, "Content-Type", jsonType, "Origin", "http://evil.example.com")
	f("POST", scale, 403, "Content-Type", jsonType, "Origin", "http://127.0.0.1:3000")
	f("POST", scale, 403, "Content-Type", jsonType, "Origin", "null")
	f("GET", status, 403, "Origin", "http://evil.example.com")
	f("POST", scale, 415)
	f("POST", scale, 415, "Content-Type", "text/plain")
	f("POST", scale, 415, "Content-Type", "application/x-www-form-urlencoded")
	f("POST", scale, 415, "Content-Type", "application/json-patch+json")
}

func TestGuard_TokensAndRoles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte("hashed"))
	s := serve(t, &fake{ready: true}, config.Admin{Tokens: []config.Token{
		{Name: "a", Role: "viewer", Token: "see"}, {Name: "b", Role: "operator", TokenFile: file},
		{Name: "c", Role: "operator", TokenSHA256: hex.EncodeToString(hash[:])},
	}})
	f := func(from origin, method, path, authorization string, want int) {
		t.Helper()
		headers := []string{"Content-Type", jsonType}
		if authorization != "" {
			headers = append(headers, "Authorization", authorization)
		}
		if w := ask(s, from, method, path, `{"workers":1}`, headers...); w.Code != want {
			t.Errorf("%+v %s %s with %q: %d, want %d: %s", from, method, path, authorization, w.Code, want, w.Body)
		}
	}
	for _, from := range []origin{local, remote, overUnix} {
		f(from, "GET", "/healthz", "", 200)
		f(from, "GET", "/readyz", "", 200)
		f(from, "GET", "/metrics", "", 401)
		f(from, "GET", "/metrics", "Bearer see", 200)
		f(from, "GET", status, "", 401)
		f(from, "GET", status, "Bearer ", 401)
		f(from, "GET", status, "Bearer guess", 401)
		f(from, "GET", status, "Basic see", 401)
		f(from, "GET", status, "bearer see", 200)
		f(from, "GET", status, "Bearer from-file", 200)
		f(from, "POST", scale, "", 401)
		f(from, "POST", scale, "Bearer see", 403)
		f(from, "POST", scale, "Bearer from-file", 200)
		f(from, "POST", scale, "Bearer hashed", 200)
	}
}
