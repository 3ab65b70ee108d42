package proxy

import (
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestRouter_FirstMatchWins(t *testing.T) {
	var r router
	add := func(m config.Match) *route {
		t.Helper()
		rt, err := newRoute("routes", m)
		if err != nil {
			t.Fatal(err)
		}
		r.routes = append(r.routes, rt)
		return rt
	}
	canary := add(config.Match{Host: "api.example.com", Path: "/v1/", Methods: []string{"GET"}, Headers: map[string]string{"x-canary": "1"}})
	api := add(config.Match{Host: "API.example.com", Path: "/v1/"})
	wild := add(config.Match{Host: "*.example.com"})
	static := add(config.Match{Path: "/static"})
	f := func(raw string, want *route) {
		t.Helper()
		m := request(t, raw)
		path := m.path
		if !isPlainPath(path) {
			path = appendNormalPath(nil, path)
		}
		if got := r.find(m, path); got != want {
			t.Errorf("%q goes to %+v, want %+v", raw, got, want)
		}
	}
	f("GET /v1/x HTTP/1.1\r\nHost: api.example.com\r\nX-Canary: 1\r\n\r\n", canary)
	f("GET /v1/x HTTP/1.1\r\nHost: api.example.com\r\nX-Canary: 2\r\n\r\n", api)
	f("POST /v1 HTTP/1.1\r\nHost: Api.Example.Com:8080\r\nX-Canary: 1\r\n\r\n", api)
	f("GET /%761/x HTTP/1.1\r\nHost: api.example.com.\r\n\r\n", api)
	f("GET /v1/../v2 HTTP/1.1\r\nHost: api.example.com\r\n\r\n", wild)
	f("GET /v2 HTTP/1.1\r\nHost: a.b.example.com\r\n\r\n", wild)
	f("GET /static/x HTTP/1.1\r\nHost: example.com\r\n\r\n", static)
	f("GET /v1/%2e%2e/static/x HTTP/1.1\r\nHost: x\r\n\r\n", static)
	f("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", nil)
	f("GET /static HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", static)
}

func TestRouter_RefusesWhatCanNotMatch(t *testing.T) {
	for _, m := range []config.Match{{Host: "a*.b"}, {Host: "http://x"}, {Path: "v1"}, {Headers: map[string]string{"a b": ""}}} {
		if _, err := newRoute("routes[0].match", m); err == nil {
			t.Errorf("%+v is accepted", m)
		}
	}
}
