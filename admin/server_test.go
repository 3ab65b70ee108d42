package admin

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

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
