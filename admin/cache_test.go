package admin

import (
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestCache_WhatGoesIsNamedInOneWay(t *testing.T) {
	f := func(body string, want int, call string) {
		t.Helper()
		b := &fake{}
		w := ask(serve(t, b, config.Admin{}), local, "POST", "/api/v1/cache/purge", body, "Content-Type", jsonType)
		if w.Code != want || strings.Join(b.calls, "|") != call {
			t.Errorf("%s: %d and call %q, want %d and %q: %s", body, w.Code, b.calls, want, call, w.Body)
		}
	}
	f(`{"namespace":"n","key":"k"}`, 200, "purge {n k   false}")
	f(`{"namespace":"n","tag":"t"}`, 200, "purge {n  t  false}")
	f(`{"namespace":"n","prefix":"p"}`, 200, "purge {n   p false}")
	f(`{"namespace":"n","all":true}`, 200, "purge {n    true}")
	f(`{"all":true}`, 200, "purge {    true}")
	f(`{}`, 400, "")
	f(``, 400, "")
	f(`{"namespace":"n"}`, 400, "")
	f(`{"namespace":"n","all":false}`, 400, "")
	f(`{"key":"k"}`, 400, "")
	f(`{"tag":"t"}`, 400, "")
	f(`{"namespace":"n","key":"k","all":true}`, 400, "")
	f(`{"namespace":"n","key":"k","tag":"t"}`, 400, "")
}

func TestCache_EntriesAndWarming(t *testing.T) {
	f := func(method, path, body string, status int, want string) {
		t.Helper()
		w := ask(serve(t, &fake{}, config.Admin{}), local, method, path, body, "Content-Type", jsonType)
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %d %s", path, w.Code, w.Body, status, want)
		}
	}
	f("GET", "/api/v1/cache/entry?namespace=a%2Fb&key=7", "", 200, `{"namespace":"a/b","key":"7","value":{"name":"Ada"},"ttlMs":58200}`)
	f("GET", "/api/v1/cache/entry?namespace=users&key=8", "", 404, `namespace users has no entry \"8\"`)
	f("GET", "/api/v1/cache/entry?namespace=users", "", 400, "name the entry: ?namespace=users")
	f("POST", "/api/v1/cache/warm", ``, 200, `{"stored":120,"requests":1,"problems":[]}`)
	f("POST", "/api/v1/cache/warm", `{"again":true}`, 400, "")
}
