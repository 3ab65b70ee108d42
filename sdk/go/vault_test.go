package drover

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

const encrypted = `{"drover":"keys","receive":{"pool":"app","keys":[{"kid":"app.2","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},{"kid":"app.1","k":"AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]},` +
	`"send":{"app":{"kid":"app.2","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},"jobs":{"kid":"jobs.5","k":"AgECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},"drover":{"kid":"drover.1","k":"AwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}}
{"drover":"reply","id":1,"data":{"version":1,"worker":"app-1.1","pool":"app","slot":1,"generation":1,"maxMessageBytes":1048576,"maxDepth":64,"requestTimeoutMs":5000,"cache":true,"encryption":"on","schemas":{"task.*":{"type":"object","required":["id"]}}}}`

// receiver returns the vault of a worker of a pool that has the keys of the frame above.
func receiver(t *testing.T, keys ...string) *vault {
	t.Helper()
	v := newVault()
	var list []key
	for _, k := range keys {
		kid, secret, _ := strings.Cut(k, " ")
		list = append(list, key{kid, secret + "ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"})
	}
	v.set(&receiveKeys{Keys: list}, map[string]key{"app": {"app.2", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}})
	return v
}

// The tokens are those that every part of drover is tested with.
func TestVault_ReadsAndMakesTheSameTokens(t *testing.T) {
	raw, err := os.ReadFile("../../ipc/testdata/jwe.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Tokens []struct {
			Name, Kid, K, IV, Header, From, Type, Plaintext, JWE string
			N                                                    uint64
		}
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors.Tokens) == 0 {
		t.Fatal(len(vectors.Tokens), err)
	}
	for _, token := range vectors.Tokens {
		v := newVault()
		k := key{token.Kid, token.K}
		v.set(&receiveKeys{Keys: []key{k}}, nil)
		got, err := v.open(token.JWE, token.From, token.Type)
		if err != nil || string(got) != token.Plaintext {
			t.Errorf("%s: %s, %v", token.Name, got, err)
		}
		if _, err := v.open(token.JWE, token.From, token.Type); err == nil {
			t.Errorf("%s is read twice", token.Name)
		}
		aead, err := k.aead()
		if err != nil {
			t.Fatal(err)
		}
		iv, err := base64.RawURLEncoding.DecodeString(token.IV)
		if err != nil {
			t.Fatal(err)
		}
		made, err := sealer{token.Kid, aead}.seal(iv, header{"dir", "A256GCM", token.Kid, token.From, token.Type, token.N}, []byte(token.Plaintext))
		if err != nil || made != token.JWE {
			t.Errorf("%s: made %s, %v", token.Name, made, err)
		}
	}
}

func TestVault_RefusesWhatIsNotMeant(t *testing.T) {
	sender := receiver(t)
	seal := func(from, kind, data string) string {
		sender.order.Lock()
		defer sender.order.Unlock()
		token, err := sender.sealLocked("app", from, kind, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) }
	v := receiver(t, "app.2 AA")
	first := seal("app-1.1", "t", "1")
	second := seal("app-1.1", "t", "2")
	parts := strings.Split(second, ".")
	for name, token := range map[string]string{
		"nothing":        "",
		"no token":       "a.b",
		"another key":    strings.Replace(second, parts[0], header(`{"alg":"dir","enc":"A256GCM","kid":"app.9","from":"app-1.1","type":"t","n":2}`), 1),
		"another alg":    strings.Replace(second, parts[0], header(`{"alg":"none","enc":"A256GCM","kid":"app.2","from":"app-1.1","type":"t","n":2}`), 1),
		"another n":      strings.Replace(second, parts[0], header(`{"alg":"dir","enc":"A256GCM","kid":"app.2","from":"app-1.1","type":"t","n":3}`), 1),
		"more members":   strings.Replace(second, parts[0], header(`{"alg":"dir","enc":"A256GCM","kid":"app.2","zip":"DEF","from":"app-1.1","type":"t","n":2}`), 1),
		"two headers":    strings.Replace(second, parts[0], header(`{"alg":"dir"}{}`), 1),
		"encrypted key":  parts[0] + ".AA." + strings.Join(parts[2:], "."),
		"cut tag":        second[:len(second)-2],
		"short iv":       parts[0] + "..AAAA." + parts[3] + "." + parts[4],
		"other data":     parts[0] + ".." + parts[2] + ".AA." + parts[4],
		"other sender":   seal("app-3.1", "t", "1"),
		"other type":     seal("app-1.1", "u", "1"),
		"not JSON":       seal("app-1.1", "t", "{"),
		"padded base64":  second + "=",
		"line in base64": parts[0][:4] + "\n" + second[4:],
	} {
		if data, err := v.open(token, "app-1.1", "t"); err == nil {
			t.Errorf("%s: read as %s", name, data)
		}
	}
	if data, err := v.open(second, "app-1.1", "t"); err != nil || string(data) != "2" {
		t.Errorf("got %s, %v", data, err)
	}
	if _, err := v.open(first, "app-1.1", "t"); err == nil {
		t.Error("an older token is read after a newer one")
	}
}

func TestVault_SendsTokensInPlaceOfData(t *testing.T) {
	f := newFakeWith(t, encrypted)
	app, jobs := receiver(t, "app.2 AA"), receiver(t, "jobs.5 Ag")
	form := regexp.MustCompile(`^(.*"jwe":)("[\w.-]+"|\{"app":"[\w.-]+","jobs":"[\w.-]+"\})\}$`)
	sent := func(call func(ctx context.Context) error, answer, want string) []string {
		t.Helper()
		done := make(chan error, 1)
		go func() { done <- call(t.Context()) }()
		line := f.next()
		parts := form.FindStringSubmatch(line)
		if parts == nil || parts[1] != want {
			t.Fatalf("the client wrote\n%s\nwant\n%s", line, want)
		}
		f.send(answer)
		if err := receive(t, done); err != nil {
			t.Error(err)
		}
		return regexp.MustCompile(`[\w-]+\.\.[\w.-]+`).FindAllString(parts[2], -1)
	}
	reads := func(v *vault, token, kind, want string) {
		t.Helper()
		if data, err := v.open(token, "app-1.1", kind); err != nil || string(data) != want {
			t.Errorf("got %s, %v, want %s", data, err, want)
		}
	}
	broadcast := `{"drover":"reply","id":%,"data":{"received":0,"sent":0,"failed":[]}}`
	tokens := sent(func(ctx context.Context) error { _, err := f.Broadcast(ctx, "price.changed", 1); return err },
		strings.Replace(broadcast, "%", "2", 1), `{"drover":"broadcast","id":2,"type":"price.changed","jwe":`)
	reads(app, tokens[0], "price.changed", "1")
	tokens = sent(func(ctx context.Context) error { _, err := f.BroadcastTo(ctx, "*", "price.changed", 2); return err },
		strings.Replace(broadcast, "%", "3", 1), `{"drover":"broadcast","id":3,"pool":"*","type":"price.changed","jwe":`)
	reads(app, tokens[0], "price.changed", "2")
	reads(jobs, tokens[1], "price.changed", "2")
	tokens = sent(func(ctx context.Context) error { _, err := f.Publish(ctx, "orders", 3); return err },
		strings.Replace(broadcast, "%", "4", 1), `{"drover":"publish","id":4,"topic":"orders","jwe":`)
	reads(app, tokens[0], "orders", "3")
	tokens = sent(func(ctx context.Context) error { _, err := f.SendTo(ctx, "jobs-2", "task", 4); return err },
		`{"drover":"reply","id":5,"data":{"worker":"jobs-2.1","acknowledged":true}}`, `{"drover":"send","id":5,"worker":"jobs-2","type":"task","jwe":`)
	reads(jobs, tokens[0], "task", "4")
	if _, err := f.SendTo(t.Context(), "web-1", "t", 1); !errors.Is(err, ErrForbidden) {
		t.Errorf("error is %v", err)
	}
	// The answer of a request: it is read with this worker's keys, also by the one before.
	answerer := receiver(t)
	answerer.n = 41
	token, err := answerer.sealLocked("app", "app-2.1", "get", []byte("42"))
	if err != nil {
		t.Fatal(err)
	}
	var got Answer
	sent(func(ctx context.Context) (err error) { got, err = f.Request(ctx, Target{}, "get", 5); return err },
		`{"drover":"reply","id":7,"from":"app-2.1","jwe":"`+token+`"}`, `{"drover":"request","id":7,"type":"get","jwe":`)
	if string(got.Data) != "42" {
		t.Errorf("the answer is %+v", got)
	}
	_, err = exchangeAny(f, `{"drover":"reply","id":8,"from":"app-2.1","data":42}`, func(ctx context.Context) (Answer, error) { return f.Request(ctx, Target{}, "get", 5) })
	if !errors.Is(err, ErrRefused) {
		t.Errorf("after a plain answer the error is %v", err)
	}
}

// exchangeAny is exchange for a line that has random parts.
func exchangeAny[T any](f *fake, answer string, call func(ctx context.Context) (T, error)) (T, error) {
	f.t.Helper()
	var v T
	done := make(chan error, 1)
	go func() {
		var err error
		v, err = call(f.t.Context())
		done <- err
	}()
	f.next()
	f.send(answer)
	return v, receive(f.t, done)
}

func TestVault_RefusesMessagesAndRequests(t *testing.T) {
	handled := make(chan string, 10)
	f := newFakeWith(t, encrypted, func(c *Client) {
		c.Handle("*", func(_ context.Context, m Message) (any, error) {
			handled <- string(m.Data)
			return "done", nil
		})
	})
	sender := receiver(t)
	token := func(from, kind, data string) string {
		token, err := sender.sealLocked("app", from, kind, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	once := token("app-2.1", "t", "1")
	f.send(`{"drover":"message","seq":1,"from":"app-2.1","type":"t","jwe":"` + once + `"}`)
	f.expect(`{"drover":"ack","seq":1}`)
	if got := receive(t, handled); got != "1" {
		t.Errorf("handled %s", got)
	}
	refused := func(line, want string) {
		t.Helper()
		f.send(line)
		if got := f.next(); !strings.HasPrefix(got, want) {
			t.Errorf("the client wrote %s, want %s", got, want)
		}
	}
	refused(`{"drover":"message","seq":2,"from":"app-2.1","type":"t","jwe":"`+once+`"}`, `{"drover":"nack","seq":2,"error":{"code":"refused",`)
	refused(`{"drover":"message","seq":3,"from":"app-2.1","type":"t","data":1}`, `{"drover":"nack","seq":3,"error":{"code":"refused",`)
	refused(`{"drover":"message","seq":4,"from":"app-2.1","type":"task.run","jwe":"`+token("app-2.1", "task.run", "{}")+`"}`,
		`{"drover":"nack","seq":4,"error":{"code":"refused","message":"schema of task.*: at /: \"id\" is missing"}}`)
	refused(`{"drover":"request","id":5,"from":"app-2.1","type":"t","jwe":"`+once+`","timeoutMs":1000}`, `{"drover":"response","id":5,"error":{"code":"refused",`)
	refused(`{"drover":"request","id":6,"from":"app-2.1","type":"task.run","jwe":"`+token("app-2.1", "task.run", `{"id":1}`)+`","timeoutMs":1000}`, `{"drover":"response","id":6,"jwe":"`)
	refused(`{"drover":"request","id":7,"from":"app-2.1","type":"task.run","jwe":"`+token("app-2.1", "task.run", "{}")+`","timeoutMs":1000}`, `{"drover":"response","id":7,"error":{"code":"refused",`)
	// The answer to drover is for drover's key.
	f.send(`{"drover":"request","id":8,"from":"drover","type":"t","jwe":"` + token("drover", "t", "5") + `","timeoutMs":1000}`)
	answer := f.next()
	got, err := receiver(t, "drover.1 Aw").open(strings.TrimSuffix(strings.TrimPrefix(answer, `{"drover":"response","id":8,"jwe":"`), `"}`), "app-1.1", "t")
	if err != nil || string(got) != `"done"` {
		t.Errorf("the answer %s is %s, %v", answer, got, err)
	}
}
