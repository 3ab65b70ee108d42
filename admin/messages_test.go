package admin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestMessages_BodiesAreChecked(t *testing.T) {
	f := func(path, body string, want int, call string) {
		t.Helper()
		b := &fake{}
		w := ask(serve(t, b, config.Admin{}), local, "POST", "/api/v1/ipc/"+path, body, "Content-Type", jsonType)
		if w.Code != want || strings.Join(b.calls, "|") != call {
			t.Errorf("%s %.80s: %d and call %q, want %d and %q: %s", path, body, w.Code, b.calls, want, call, w.Body)
		}
	}
	f("broadcast", `{"type":"a"}`, 200, "broadcast * a null")
	f("broadcast", `{"pool":"*","type":"a","data":null}`, 200, "broadcast * a null")
	f("broadcast", "{\"pool\":\"app\",\"type\":\"a\",\"data\":{\n \"b\": [1, \"c d\"]\n}}", 200, `broadcast app a {"b":[1,"c d"]}`) // one line
	f("broadcast", `{}`, 400, "")
	f("broadcast", ``, 400, "")
	f("broadcast", `{"type":"a","to":"b"}`, 400, "")
	f("broadcast", `{"type":"a","data":{]}`, 400, "")
	f("send", `{"worker":"app-1","type":"a","data":1}`, 200, "send {app-1  } a 1")
	f("send", `{"pool":"app","type":"a"}`, 200, "send { app } a null")
	f("send", `{"pool":"app","pick":"least-busy","type":"a"}`, 200, "send { app least-busy} a null")
	f("send", `{"pool":"app","pick":"best","type":"a"}`, 422, "")
	f("send", `{"worker":"app-1","pool":"app","type":"a"}`, 400, "")
	f("send", `{"worker":"app-1","pick":"random","type":"a"}`, 400, "")
	f("send", `{"type":"a"}`, 400, "")
	f("send", `{"worker":"app-1"}`, 400, "")
	f("request", `{"worker":"app-1","type":"a"}`, 200, "request {app-1  } a null 0s")
	f("request", `{"worker":"app-1","type":"a","timeoutMs":2500}`, 200, "request {app-1  } a null 2.5s")
	f("request", `{"worker":"app-1","type":"a","timeoutMs":3600000}`, 200, "request {app-1  } a null 1h0m0s")
	f("request", `{"worker":"app-1","type":"a","timeoutMs":3600001}`, 422, "")
	f("request", `{"worker":"app-1","type":"a","timeoutMs":0}`, 422, "")
	f("request", `{"type":"a"}`, 400, "")
	large := strings.Repeat("x", 8<<20)
	f("send", `{"worker":"app-1","type":"a","data":"`+large+`"}`, 200, `send {app-1  } a "`+large+`"`)
	b := &fake{}
	w := ask(serve(t, b, config.Admin{}), local, "POST", "/api/v1/ipc/send", `{"worker":"app-1","type":"a","data":"`+large+strings.Repeat("x", 64<<10)+`"}`, "Content-Type", jsonType)
	if w.Code != 413 || len(b.calls) > 0 || !strings.Contains(w.Body.String(), "larger than 8256 KB") {
		t.Errorf("too large: %d %.200s", w.Code, w.Body)
	}
}

func TestMessages_ErrorsHaveTheirStatus(t *testing.T) {
	f := func(code string, status int) {
		t.Helper()
		s := serve(t, &fake{fail: MessageError(code, "because")}, config.Admin{})
		w := ask(s, local, "POST", "/api/v1/ipc/request", `{"worker":"app-1","type":"a"}`, "Content-Type", jsonType)
		if want := `{"error":{"code":"` + code + `","message":"because"}}` + "\n"; w.Code != status || w.Body.String() != want {
			t.Errorf("%s: %d %s, want %d", code, w.Code, w.Body, status)
		}
	}
	f("no-target", http.StatusNotFound)
	f("worker-gone", http.StatusConflict)
	f("queue-full", http.StatusConflict)
	f("forbidden", http.StatusConflict)
	f("bad-type", http.StatusUnprocessableEntity)
	f("unknown-type", http.StatusUnprocessableEntity)
	f("too-large", http.StatusUnprocessableEntity)
	f("too-deep", http.StatusUnprocessableEntity)
	f("schema", http.StatusUnprocessableEntity)
	f("timeout", http.StatusGatewayTimeout)
	f("no-handler", http.StatusBadGateway)
	f("handler-error", http.StatusBadGateway)
	f("card-declined", http.StatusBadGateway) // a worker's own
}

func TestMessagesAndCache_NeedTheirRole(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{Tokens: []config.Token{{Name: "v", Role: "viewer", Token: "see"}, {Name: "o", Role: "operator", Token: "do"}}})
	f := func(method, path, body string, viewer int) {
		t.Helper()
		for token, want := range map[string]int{"see": viewer, "do": 200, "guess": 401} {
			w := ask(s, local, method, path, body, "Content-Type", jsonType, "Authorization", "Bearer "+token)
			if w.Code != want {
				t.Errorf("%s %s with %s: %d, want %d: %s", method, path, token, w.Code, want, w.Body)
			}
		}
	}
	f("POST", "/api/v1/ipc/broadcast", `{"type":"a"}`, 403)
	f("POST", "/api/v1/ipc/send", `{"worker":"app-1","type":"a"}`, 403)
	f("POST", "/api/v1/ipc/request", `{"worker":"app-1","type":"a"}`, 403)
	f("GET", "/api/v1/cache", "", 200)
	f("GET", "/api/v1/cache/entry?namespace=users&key=7", "", 403)
	f("POST", "/api/v1/cache/purge", `{"all":true}`, 403)
	f("POST", "/api/v1/cache/warm", `{}`, 403)
}
