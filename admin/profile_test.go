package admin

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
)

func TestProfile_WhoMayTakeOne(t *testing.T) {
	f := func(cfg config.Admin, from origin, want int, headers ...string) {
		t.Helper()
		cfg.Profiler = true
		s := serve(t, &fake{}, cfg)
		for _, path := range []string{"/debug/pprof/", "/debug/pprof", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1"} {
			if w := ask(s, from, "GET", path, "", headers...); w.Code != want {
				t.Errorf("%+v %s %q: %d, want %d: %.200s", from, path, headers, w.Code, want, w.Body)
			}
		}
	}
	f(config.Admin{}, local, 200)
	f(config.Admin{}, overUnix, 200)
	f(config.Admin{}, remote, 401)
	f(config.Admin{}, origin{socket: true, refused: "you are user 7"}, 403)
	f(config.Admin{}, local, 421, "Host", "evil.example.com")
	f(config.Admin{}, local, 403, "Origin", "http://evil.example.com")
	tokens := config.Admin{Tokens: []config.Token{{Name: "a", Role: "viewer", Token: "see"}, {Name: "b", Role: "operator", Token: "do"}}}
	f(tokens, local, 401)
	f(tokens, overUnix, 401)
	f(tokens, remote, 401, "Authorization", "Bearer guess")
	f(tokens, remote, 200, "Authorization", "Bearer see")
	f(tokens, remote, 200, "Authorization", "Bearer do")
}

func TestProfile_SettingSwitchesItInPlace(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{})
	f := func(on bool, path string, want int) {
		t.Helper()
		if err := s.Apply(config.Admin{Profiler: on}); err != nil {
			t.Fatal(err)
		}
		w := ask(s, local, "GET", path, "")
		if says := strings.Contains(w.Body.String(), "set admin.profiler: true"); w.Code != want || says == on {
			t.Errorf("%s, profiler %v: %d %.200q, want %d, and the setting's name when it is off", path, on, w.Code, w.Body, want)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap"} {
		f(false, path, 404)
		f(true, path, 200)
		f(false, path, 404)
	}
	f(false, "/debug/pprof/profile?seconds=x", 404)
	f(true, "/debug/pprof/profile?seconds=x", 400)
	f(false, "/debug/pprof/cmdline", 404)
	f(true, "/debug/pprof/cmdline", 404)
}

func TestProfile_RefusesWhatMakesNoSense(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{Profiler: true})
	f := func(method, path string, want int, says string) {
		t.Helper()
		w := ask(s, local, method, "/debug/pprof/"+path, "", "Content-Type", jsonType)
		var body ErrorBody
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != want || !strings.Contains(body.Error.Message, says) {
			t.Errorf("%s %s: %d %.200q, want %d and %q", method, path, w.Code, w.Body, want, says)
		}
	}
	const bounds = "is not a whole number from 1 to 300"
	f("GET", "profile?seconds=0", 400, bounds)
	f("GET", "profile?seconds=-1", 400, bounds)
	f("GET", "profile?seconds=301", 400, bounds)
	f("GET", "profile?seconds=99999999999999999999", 400, bounds)
	f("GET", "profile?seconds=1.5", 400, bounds)
	f("GET", "profile?seconds=ten", 400, `seconds: "ten" `+bounds)
	f("GET", "trace?seconds=0.1", 400, bounds)
	f("GET", "heap?seconds=301", 400, bounds)
	f("GET", "heap?seconds=2&debug=1", 400, "leave out debug")
	f("GET", "block?debug=1", 400, "leave out debug")
	f("GET", "cmdline", 404, `there is no profile "cmdline"; GET /debug/pprof/ lists them`)
	f("GET", "Heap", 404, "there is no profile")
	f("GET", "heap/x", 404, "nothing is at")
	f("POST", "heap", 405, "GET, HEAD")
}

func TestProfile_TheListNamesWhatIsThere(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{Profiler: true})
	var list struct {
		Endpoints []Endpoint `json:"endpoints"`
	}
	w := ask(s, local, "GET", "/debug/pprof/", "")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Endpoints) != 8 {
		t.Fatalf("%v in %s, want 8 profiles", err, w.Body)
	}
	page := ask(s, local, "GET", "/debug/pprof/", "", "Accept", "text/html").Body.String()
	for _, e := range list.Endpoints {
		if !strings.Contains(page, `<a href="`+e.Path+`">`) {
			t.Errorf("the page has no link to %s", e.Path)
		}
		if w := ask(s, local, "GET", e.Path+"?seconds=0", ""); w.Code != 400 {
			t.Errorf("%s: %d, want it to exist and to refuse 0 seconds", e.Path, w.Code)
		}
	}
}

func TestProfile_HeapShowsWhoHoldsMemory(t *testing.T) {
	held := holdMemory()
	s := serve(t, &fake{}, config.Admin{Profiler: true})
	w := ask(s, local, "GET", "/debug/pprof/heap?gc=1", "")
	profileHas(t, w.Body.Bytes(), "inuse_space", "admin.holdMemory")
	if got := w.Header().Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("type %s", got)
	}
	runtime.KeepAlive(held)
	if w := ask(s, local, "GET", "/debug/pprof/goroutine?debug=2", ""); !strings.Contains(w.Body.String(), "TestProfile_HeapShowsWhoHoldsMemory") {
		t.Errorf("the stacks lack the one that asked: %.300s", w.Body)
	}
}

//go:noinline
func holdMemory() []byte { return make([]byte, 16<<20) } // many times what is between two samples

func TestProfile_OverATimeOutlastsTheReadTimeout(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{Address: "127.0.0.1:0", Profiler: true})
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnContext = s.connected
	server.Config.ReadTimeout = 500 * time.Millisecond
	server.Start()
	defer server.Close()
	get := func(name string) []byte {
		r, err := server.Client().Get(server.URL + "/debug/pprof/" + name + "?seconds=1")
		if err != nil {
			t.Error(err)
			return nil
		}
		defer r.Body.Close() //nolint:errcheck // only read from
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != 200 {
			t.Errorf("%s: %d %.200q, %v", name, r.StatusCode, text, err)
		}
		return text
	}
	stop := make(chan struct{})
	var work sync.WaitGroup
	defer work.Wait()
	defer close(stop)
	var mu sync.Mutex
	for range 2 {
		work.Go(func() { contend(&mu, stop) })
	}
	var asked sync.WaitGroup
	asked.Go(func() { profileHas(t, get("profile"), "cpu", "admin.contend") })
	asked.Go(func() { profileHas(t, get("block"), "contentions", "admin.contend") })
	asked.Go(func() { profileHas(t, get("mutex"), "contentions", "admin.contend") })
	asked.Go(func() { profileHas(t, get("heap"), "inuse_space") })
	asked.Go(func() {
		if text := get("trace"); !bytes.HasPrefix(text, []byte("go 1.")) {
			t.Errorf("a trace begins with %.20q", text)
		}
	})
	asked.Wait()
	if rate := runtime.SetMutexProfileFraction(-1); rate != 0 {
		t.Errorf("mutexes are measured on, one in %d", rate)
	}
}

// contend is busy with the mutex held, so that another who does the same waits.
func contend(mu *sync.Mutex, stop <-chan struct{}) {
	for {
		mu.Lock()
		for until := time.Now().Add(time.Millisecond); time.Now().Before(until); {
			select {
			case <-stop:
				mu.Unlock()
				return
			default:
			}
		}
		mu.Unlock()
	}
}

func TestProfile_OneOfAKindAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &fake{}, config.Admin{Profiler: true})
		get := func(path string) *httptest.ResponseRecorder { return ask(s, local, "GET", path, "") }
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- get("/debug/pprof/allocs?seconds=300") }()
		synctest.Wait()
		if w := get("/debug/pprof/allocs?seconds=1"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "another profile of this kind, allocs, is being measured") {
			t.Errorf("a second: %d %.200q", w.Code, w.Body)
		}
		profileHas(t, get("/debug/pprof/allocs").Body.Bytes(), "alloc_space")
		profileHas(t, get("/debug/pprof/heap?seconds=1").Body.Bytes(), "inuse_space")
		began := time.Now()
		profileHas(t, (<-first).Body.Bytes(), "alloc_space")
		if waited := time.Since(began); waited != 299*time.Second {
			t.Errorf("the first ended after %v more, want 299s", waited)
		}
		if w := get("/debug/pprof/allocs?seconds=1"); w.Code != 200 {
			t.Errorf("the next: %d %.200q", w.Code, w.Body)
		}
	})
}

// profileHas checks that data is a whole gzip stream, as every profile is, and
// that its table of strings has these.
func profileHas(t *testing.T, data []byte, names ...string) {
	t.Helper()
	unzip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%v in %.100q", err, data)
		return
	}
	text, err := io.ReadAll(unzip)
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		if !bytes.Contains(text, []byte(name)) {
			t.Errorf("a profile of %d bytes has no %s", len(text), name)
		}
	}
}
