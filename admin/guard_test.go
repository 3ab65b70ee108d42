package admin

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
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

func TestServer_ApplyChangesTokens(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{})
	if err := s.Apply(config.Admin{Tokens: []config.Token{{Role: "viewer", Token: "new"}}}); err != nil {
		t.Fatal(err)
	}
	if w := ask(s, local, "GET", status, ""); w.Code != 401 {
		t.Errorf("without token: %d, want 401", w.Code)
	}
	f := func(token config.Token, says string) {
		t.Helper()
		if err := s.Apply(config.Admin{Tokens: []config.Token{token}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", token, err, says)
		}
	}
	f(config.Token{Name: "a", Role: "viewer"}, "set one of token, tokenFile and tokenSHA256")
	f(config.Token{Name: "a", Role: "king", Token: "x"}, "use viewer or operator")
	f(config.Token{Name: "a", Role: "viewer", TokenSHA256: "abc"}, "64 hexadecimal digits")
	f(config.Token{Name: "a", Role: "viewer", TokenFile: "/no/such/file"}, "read tokenFile")
	if w := ask(s, local, "GET", status, "", "Authorization", "Bearer new"); w.Code != 200 {
		t.Errorf("after refused changes: %d, want the token to hold", w.Code)
	}
}

func TestServer_PathsAndMethods(t *testing.T) {
	s := serve(t, &fake{ready: true}, config.Admin{})
	f := func(method, path string, want int, allow string) {
		t.Helper()
		w := ask(s, local, method, path, "{}", "Content-Type", jsonType)
		var body ErrorBody
		if w.Code >= 400 && (json.Unmarshal(w.Body.Bytes(), &body) != nil || body.Error.Code == "" || body.Error.Message == "") {
			t.Errorf("%s %s: body %s", method, path, w.Body)
		}
		if w.Code != want || w.Header().Get("Allow") != allow {
			t.Errorf("%s %s: %d Allow %q, want %d %q", method, path, w.Code, w.Header().Get("Allow"), want, allow)
		}
	}
	f("GET", "/api/v1/workers", 200, "")
	f("HEAD", "/api/v1/workers", 200, "")
	f("GET", "/api/v1/workers/", 200, "")
	f("GET", "/api/v1/workers/app-2", 200, "")
	f("GET", "/api/v1/workers/app-2.6", 200, "")
	f("GET", "/api/v1/workers/app-3", 404, "")
	f("GET", "/api/v1/pools/web", 404, "")
	f("GET", "/api/v1/operations/roll-1", 200, "")
	f("GET", "/api/v1/operations/roll-9", 404, "")
	f("GET", "/api/v2/status", 404, "")
	f("GET", "/api/v1/pools//scale", 404, "")
	f("GET", "/../etc/passwd", 404, "")
	f("POST", status, 405, "GET, HEAD")
	f("DELETE", "/api/v1/workers/app-1", 405, "GET, HEAD")
	f("GET", scale, 405, "POST")
	f("OPTIONS", "/api/v1/reload", 405, "POST")
	f("POST", "/healthz", 405, "GET, HEAD")
}

func TestServer_BodiesAreChecked(t *testing.T) {
	f := func(path, body string, want int, calls ...string) {
		t.Helper()
		b := &fake{}
		w := ask(serve(t, b, config.Admin{}), local, "POST", path, body, "Content-Type", jsonType)
		if w.Code != want || strings.Join(b.calls, "|") != strings.Join(calls, "|") {
			t.Errorf("%s %.40s: %d and calls %q, want %d and %q: %s", path, body, w.Code, b.calls, want, calls, w.Body)
		}
	}
	f(scale, `{"workers":3}`, 200, "scale app III")
	f(scale, `{"workers":0}`, 200, "scale app ")
	f(scale, `{"workers":"auto"}`, 200, "scale app auto")
	f("/api/v1/pools/web/scale", `{"workers":3}`, 404)
	f(scale, `{"workers":-1}`, 422)
	f(scale, `{"workers":1.5}`, 422)
	f(scale, `{"workers":1025}`, 422)
	f(scale, `{"workers":"many"}`, 422)
	f(scale, `{"workers":[1]}`, 422)
	f(scale, `{}`, 400)
	f(scale, ``, 400)
	f(scale, `{"worker":3}`, 400)
	f(scale, `{"workers":3} {}`, 400)
	f(scale, `[`, 400)
	f(scale, `{"workers":"`+strings.Repeat("x", maxBody)+`"}`, 413)
	f("/api/v1/pools/app/restart", ``, 202, "restart app")
	f("/api/v1/workers/app-2/drain", ``, 200, "worker app-2 drain")
	f("/api/v1/workers/app-2.7/resume", `{}`, 200, "worker app-2.7 resume")
	f("/api/v1/workers/app-2/restart", ``, 202, "worker app-2 restart")
	f("/api/v1/workers/app-2/stop", ``, 202, "worker app-2 stop")
	f("/api/v1/upstreams/app-1/drain", ``, 200, "upstream app-1 drain ")
	f("/api/v1/upstreams/unix:%2Frun%2Fdb.sock/maintenance", ``, 200, "upstream unix:/run/db.sock maintenance ")
	f("/api/v1/upstreams/10.0.0.5:8080/resume", ``, 200, "upstream 10.0.0.5:8080 resume ")
	f("/api/v1/upstreams/a%2F%2Fb%25/weight", `{"weight":2}`, 200, "upstream a//b% weight II")
	f("/api/v1/upstreams/a/weight", `{}`, 400)
	f("/api/v1/upstreams/a/weight", `{"weight":257}`, 422)
	f("/api/v1/upstreams/a/weight", `{"weight":"x"}`, 400)
	f("/api/v1/stop", ``, 202, "stop drained")
	f("/api/v1/stop", `{"now":true}`, 202, "stop now")
	f("/api/v1/reload", ``, 200, "reload")
}

func TestServer_BackendErrorsChooseTheStatus(t *testing.T) {
	f := func(err error, want int, code string) {
		t.Helper()
		w := ask(serve(t, &fake{fail: err}, config.Admin{}), local, "POST", "/api/v1/reload", "", "Content-Type", jsonType)
		var body ErrorBody
		if e := json.Unmarshal(w.Body.Bytes(), &body); e != nil || w.Code != want || body.Error.Code != code {
			t.Errorf("%v: %d %s, want %d %s", err, w.Code, w.Body, want, code)
		}
	}
	f(NotFound("no"), 404, "not-found")
	f(Conflict("not now"), 409, "conflict")
	f(BadSettings("wrong", []string{"drover.yaml:1: a"}), 422, "bad-settings")
	f(os.ErrPermission, 500, "internal")
}

func TestServer_IndexListsEveryRoute(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{})
	w := ask(s, local, "GET", "/", "")
	page := ask(s, local, "GET", "/", "", "Accept", "text/html,*/*")
	for _, r := range s.routes() {
		if !strings.Contains(w.Body.String(), `"path":"`+r.path+`"`) || !strings.Contains(page.Body.String(), r.path) {
			t.Errorf("%s is not listed", r.path)
		}
	}
	if got := page.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("page has type %s", got)
	}
}

// run starts the server and returns a client for each of its addresses.
func (s *Server) start(t *testing.T) (overTCP, overSocket *http.Client) {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	dialer := func(network, address string) *http.Client {
		return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}}
	}
	overTCP, overSocket = dialer("tcp", s.Address()), dialer("unix", s.SocketPath())
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		overTCP.CloseIdleConnections()
		overSocket.CloseIdleConnections()
	})
	return overTCP, overSocket
}

func TestServer_ServesBothAddresses(t *testing.T) {
	s := serve(t, &fake{ready: true}, config.Admin{Address: "127.0.0.1:0", Socket: "auto"})
	overTCP, overSocket := s.start(t)
	for _, c := range []*http.Client{overTCP, overSocket} {
		r, err := c.Get("http://localhost" + status)
		if err != nil {
			t.Fatal(err)
		}
		var got Status
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.StatusCode != 200 || got.PID != 4700 {
			t.Errorf("status %d, %+v, %v", r.StatusCode, got, err)
		}
		_ = r.Body.Close() // read
	}
}

func TestServer_SaysThatTheAddressIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody connects
	s := serve(t, &fake{}, config.Admin{Address: l.Addr().String(), Socket: "auto"})
	want := "admin.address: " + l.Addr().String() + " is in use, perhaps by another drover; choose another in admin.address"
	if err := s.Listen(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestEvents_StreamSendsRecentAndLive(t *testing.T) {
	f := func(path string, headers ...string) {
		t.Helper()
		s := serve(t, &fake{}, config.Admin{Socket: "auto"})
		_, c := s.start(t)
		r, err := http.NewRequest("GET", "http://localhost/api/v1/events"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // only read from
		lines := bufio.NewScanner(resp.Body)
		next := func() string {
			for lines.Scan() {
				if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					return text
				}
			}
			return "end"
		}
		if got := next(); !strings.Contains(got, `"kind":"worker-exited"`) {
			t.Errorf("recent: %s", got)
		}
		s.bus.Publish(event.Event{Kind: event.WorkerReady, Subject: "app-2.7", Attrs: map[string]any{"bad": func() {}}})
		if got := next(); !strings.Contains(got, `"kind":"worker-ready","subject":"app-2.7"`) {
			t.Errorf("live: %s", got)
		}
	}
	f("?follow=1")
	f("?follow=true&limit=1")
	f("", "Accept", "text/event-stream")
}

func TestEvents_StreamKeepsAliveAndEndsWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &fake{}, config.Admin{})
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), originKey{}, overUnix))
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/events?follow=1&limit=0", nil).WithContext(ctx))
		}()
		time.Sleep(heartbeat*3 + time.Second)
		cancel()
		<-done
		if got := strings.Count(w.Body.String(), ": \n\n"); got != 3 {
			t.Errorf("%d heartbeats in %q, want 3", got, w.Body)
		}
	})
}

// deadlines is a recorder that takes deadlines, as a connection does.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error  { return nil }
func (deadlines) SetWriteDeadline(time.Time) error { return nil }

func TestEvents_Limit(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{})
	for range 3 {
		s.bus.Publish(event.Event{Kind: event.WorkerReady})
	}
	f := func(query string, code, want int) {
		t.Helper()
		w := ask(s, local, "GET", "/api/v1/events"+query, "")
		var list EventList
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != code || len(list.Events) != want {
			t.Errorf("%q: %d with %d events, %v; want %d with %d", query, w.Code, len(list.Events), err, code, want)
		}
	}
	f("", 200, 4)
	f("?limit=2", 200, 2)
	f("?limit=0", 200, 0)
	f("?limit=x", 400, 0)
}
