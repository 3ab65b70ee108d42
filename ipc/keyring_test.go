package ipc

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// vectors are the tokens that the tests of every SDK read, too.
type vectors struct {
	Tokens []struct {
		Name, Kid, K, From, Type, Plaintext, JWE string
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/jwe.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// keyringWith returns a keyring whose pool has a known key.
func keyringWith(pool, kid string, secret []byte) *Keyring {
	k := NewKeyring()
	known := &poolKey{ID: kid, Secret: base64.RawURLEncoding.EncodeToString(secret), secret: secret}
	keys := &poolKeys{serial: 100, current: known}
	keys.next = keys.newKey(pool)
	k.pools[pool] = keys
	return k
}

var knownSecret = []byte("0123456789abcdef0123456789abcdef")

// token seals data under a header and a key of whatever length, as an attacker who has the key can.
func token(t testing.TB, secret []byte, header, data string) string {
	t.Helper()
	block, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(iv)
	b64 := base64.RawURLEncoding.EncodeToString
	sealed := gcm.Seal(nil, iv, []byte(data), []byte(b64([]byte(header))))
	cut := len(sealed) - gcm.Overhead()
	return fmt.Sprintf("%s..%s.%s.%s", b64([]byte(header)), b64(iv), b64(sealed[:cut]), b64(sealed[cut:]))
}

const goodHeader = `{"alg":"dir","enc":"A256GCM","kid":"app.2","from":"web-1.1","type":"task.run","n":17}`

func TestKeyring_ReadsWhatItMade(t *testing.T) {
	k := NewKeyring()
	for i := range 3 {
		want := fmt.Sprintf(`{"task":%d}`, i)
		jwe, err := k.Encrypt("jobs", "web-1.1", "task.run", []byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(jwe, "task") {
			t.Errorf("the token %s shows its content", jwe)
		}
		got, err := k.Decrypt("jobs", "web-1.1", "task.run", jwe)
		if err != nil || string(got) != want {
			t.Errorf("decrypted %s, %v; want %s", got, err, want)
		}
	}
}

func TestKeyring_ReadsTheVectors(t *testing.T) {
	for _, v := range readVectors(t).Tokens {
		secret, err := base64.RawURLEncoding.DecodeString(v.K)
		if err != nil {
			t.Fatal(err)
		}
		pool, _, _ := strings.Cut(v.Kid, ".")
		k := keyringWith(pool, v.Kid, secret)
		if got, err := k.Decrypt(pool, v.From, v.Type, v.JWE); err != nil || string(got) != v.Plaintext {
			t.Errorf("%s: decrypted %s, %v; want %s", v.Name, got, err, v.Plaintext)
		}
	}
}

func TestKeyring_RefusesWhatWasNotMadeForThisMessage(t *testing.T) {
	good := token(t, knownSecret, goodHeader, `1`)
	parts := strings.Split(good, ".")
	join := func(at int, part string) string {
		changed := append([]string(nil), parts...)
		changed[at] = part
		return strings.Join(changed, ".")
	}
	header := func(old, new string) string {
		t.Helper()
		if !strings.Contains(goodHeader, old) {
			t.Fatalf("the header has no %s", old)
		}
		return token(t, knownSecret, strings.Replace(goodHeader, old, new, 1), `1`)
	}
	f := func(name, jwe, want string) {
		t.Helper()
		k := keyringWith("app", "app.2", knownSecret)
		data, err := k.Decrypt("app", "web-1.1", "task.run", jwe)
		if err == nil || data != nil {
			t.Errorf("%s: taken as %q", name, data)
			return
		}
		if text := err.Error(); !strings.Contains(text, want) || len(text) > 500 {
			t.Errorf("%s: the error is %.500q, want %q in it", name, text, want)
		}
		if data, err := k.Decrypt("app", "web-1.1", "task.run", good); err != nil || string(data) != "1" {
			t.Errorf("%s: the good one is refused afterwards: %v", name, err)
		}
	}
	f("forged from", header(`web-1.1`, `web-2.1`), `made by "web-2.1"`)
	f("from twice", header(`"from"`, `"from":"web-2.1","from"`), "invalid protected header")
	f("from in other letters", header(`"from"`, `"FROM"`), `unknown member "FROM"`)
	f("no from", header(`"from":"web-1.1",`, ``), "made by")
	f("from a list", header(`"web-1.1"`, `["web-1.1"]`), "made by")
	f("other type", header(`task.run`, `task.stop`), `for the type "task.stop"`)
	f("type null", header(`"task.run"`, `null`), "for the type")

	f("n of 0", header(`17`, `0`), "its n")
	f("n below 0", header(`17`, `-1`), "its n")
	f("n broken", header(`17`, `17.5`), "its n")
	f("n too large", header(`17`, `9007199254740992`), "its n")
	f("n endless", header(`17`, `1e999`), "")
	f("n a string", header(`17`, `"17"`), "its n")
	f("no n", header(`,"n":17`, ``), "its n")

	f("unknown kid", header(`app.2`, `app.9`), `no key "app.9"`)
	f("kid of another pool", header(`app.2`, `jobs.1`), `no key "jobs.1"`)
	f("no kid", header(`"kid":"app.2",`, ``), `no key ""`)
	f("kid a number", header(`"app.2"`, `2`), "key ID")
	f("key in the header", header(`"kid"`, `"jwk":{"kty":"oct","k":"AAAA"},"kid"`), "")
	f("wrong key", token(t, []byte("another key of thirty two bytes!"), goodHeader, `1`), "cryptographic")

	f("alg none", header(`"dir"`, `"none"`), "unexpected key algorithm")
	f("alg of key wrapping", header(`"dir"`, `"A256KW"`), "unexpected key algorithm")
	f("no alg", header(`"alg":"dir",`, ``), "missing header")
	f("enc A128GCM", token(t, knownSecret[:16], strings.Replace(goodHeader, "A256GCM", "A128GCM", 1), `1`), "unexpected content encryption")
	f("enc none", header(`"A256GCM"`, `"none"`), "unexpected content encryption")
	f("critical extension", header(`"n"`, `"crit":["n"],"n"`), `unknown member "crit"`)
	f("unknown member", header(`"n"`, `"x":1,"n"`), `unknown member "x"`)
	f("compressed", token(t, knownSecret, strings.Replace(goodHeader, `"n"`, `"zip":"DEF","n"`, 1), deflated(t)), `unknown member "zip"`)
	f("RSA", rsaToken(t), "no token of alg dir")

	f("other header", join(0, base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(goodHeader, "17", "18", 1)))), "cryptographic")
	f("header no JSON", join(0, "AAAA"), "")
	f("no header", join(0, ""), "")
	f("with an encrypted key", join(1, "AAAA"), "no token of alg dir")
	f("other iv", join(2, "AAAAAAAAAAAAAAAA"), "cryptographic")
	f("short iv", join(2, parts[2][:8]), "")
	f("no iv", join(2, ""), "")
	f("no content", join(3, ""), "cryptographic")
	f("other content", join(3, "AA"), "cryptographic")
	f("no tag", join(4, ""), "")
	f("short tag", join(4, parts[4][:16]), "")
	f("long tag", join(4, parts[4]+"AAAA"), "")
	f("standard base64", join(3, "+/=="), "")
	f("six parts", good+".AAAA", "five parts")
	f("four parts", strings.Join(parts[:4], "."), "five parts")
	f("in the JSON form", `{"protected":"`+parts[0]+`","iv":"`+parts[2]+`","ciphertext":"`+parts[3]+`","tag":"`+parts[4]+`"}`, "no token of alg dir")
	f("nothing", "", "no token of alg dir")
	f("dots", "....", "")
	f("many dots", strings.Repeat(".", 1<<20), "five parts")
	f("huge header", token(t, knownSecret, strings.Replace(goodHeader, "web-1.1", strings.Repeat("x", 4<<20), 1), `1`), "made by")
	f("huge kid", token(t, knownSecret, strings.Replace(goodHeader, "app.2", strings.Repeat("x", 4<<20), 1), `1`), "no key")
	f("huge name", token(t, knownSecret, strings.Replace(goodHeader, `"n"`, `"`+strings.Repeat("x", 4<<20)+`":1,"n"`, 1), `1`), "unknown member")
	f("deep header", token(t, knownSecret, strings.Replace(goodHeader, `"n"`, `"from2":`+nested(20000)+`,"n"`, 1), `1`), "")
	f("huge and binary", strings.Repeat("\x00", 8<<20), "no token of alg dir")
	for cut := range len(good) {
		if _, err := keyringWith("app", "app.2", knownSecret).Decrypt("app", "web-1.1", "task.run", good[:cut]); err == nil {
			t.Errorf("the first %d bytes of a token are taken for one", cut)
		}
	}
}

func deflated(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(strings.Repeat("1", 200_000))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func rsaToken(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: &key.PublicKey, KeyID: "app.2"},
		&jose.EncrypterOptions{ExtraHeaders: map[jose.HeaderKey]any{"from": "web-1.1", "type": "task.run", "n": 17}})
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := encrypter.Encrypt([]byte(`1`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestKeyring_RefusesReplays(t *testing.T) {
	k := keyringWith("app", "app.2", knownSecret)
	f := func(from string, n int, want bool) {
		t.Helper()
		header := strings.NewReplacer("web-1.1", from, "17", fmt.Sprint(n)).Replace(goodHeader)
		_, err := k.Decrypt("app", from, "task.run", token(t, knownSecret, header, `1`))
		if (err == nil) != want {
			t.Errorf("token %d of %s: %v", n, from, err)
		}
		if err != nil && !strings.Contains(err.Error(), "a copy, or late") {
			t.Errorf("token %d of %s is refused for another reason: %v", n, from, err)
		}
	}
	f("web-1.1", 17, true)
	f("web-1.1", 17, false)
	f("web-1.1", 16, false)
	f("web-2.1", 3, true) // each sender counts for itself
	f("web-1.1", 40, true)
	f("web-1.1", 39, false)
	f("web-1.1", maxID, true)
	f("web-1.1", maxID, false)
	f("web-2.1", 4, true)
	k.Forget("web-1.1")
	if len(k.seen) != 1 {
		t.Errorf("%d senders are remembered, want the one that is left", len(k.seen))
	}
}

func TestKeyring_AForgeryDoesNotSpendANumber(t *testing.T) {
	k := keyringWith("app", "app.2", knownSecret)
	forged := token(t, []byte("another key of thirty two bytes!"), strings.Replace(goodHeader, "17", "9007199254740991", 1), `1`)
	if _, err := k.Decrypt("app", "web-1.1", "task.run", forged); err == nil {
		t.Fatal("a forgery is taken")
	}
	if _, err := k.Decrypt("app", "web-1.1", "task.run", token(t, knownSecret, goodHeader, `1`)); err != nil {
		t.Errorf("after a forgery: %v", err)
	}
}

func TestKeyring_APoolCannotReadForAnother(t *testing.T) {
	k := NewKeyring()
	jwe, err := k.Encrypt("jobs", "web-1.1", "x", []byte(`1`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Decrypt("web", "web-1.1", "x", jwe); err == nil {
		t.Error("web read what was for jobs")
	}
}

// keysFrame is what a worker makes of the frame.
type keysFrame struct {
	Drover  string
	Receive struct {
		Pool string
		Keys []struct{ Kid, K string }
	}
	Send map[string]struct{ Kid, K string }
}

func frameFor(t *testing.T, k *Keyring, pool string, acl *ACL, pools ...string) keysFrame {
	t.Helper()
	text := k.Frame(pool, acl, pools)
	if bytes.ContainsRune(text, '\n') {
		t.Errorf("%s is more than a line", text)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var f keysFrame
	if err := dec.Decode(&f); err != nil || f.Drover != "keys" || f.Receive.Pool != pool {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

func (f keysFrame) receives() string {
	var kids []string
	for _, key := range f.Receive.Keys {
		kids = append(kids, key.Kid)
	}
	return strings.Join(kids, " ")
}

func TestKeyring_FrameHasTheKeysThatAPoolNeeds(t *testing.T) {
	k := NewKeyring()
	acl := newTestACL(t, Rule{From: "web", To: "jobs", Types: []string{"task.*"}}, Rule{From: "mute", To: "mute", Types: []string{"x"}})
	f := func(pool, send string) {
		t.Helper()
		frame := frameFor(t, k, pool, acl, "db", "jobs", "mute", "web")
		if len(frame.Send) != len(strings.Fields(send)) {
			t.Errorf("%s sends to %v, want %s", pool, frame.Send, send)
		}
		for _, to := range strings.Fields(send) {
			if frame.Send[to].Kid != to+".1" {
				t.Errorf("%s sends to %s with %q", pool, to, frame.Send[to].Kid)
			}
		}
		if got := frame.receives(); got != pool+".2 "+pool+".1" {
			t.Errorf("%s receives with %s", pool, got)
		}
	}
	f("web", "drover jobs web")
	f("jobs", "drover jobs web") // answers to web
	f("db", "db drover")
	f("mute", "drover mute")
}

func TestKeyring_NobodySendsWithAKeyThatAReceiverHasNotHadForAPeriod(t *testing.T) {
	k := NewKeyring()
	acl := newTestACL(t)
	known := map[string]string{} // what a receiver was told in the period before
	for period := range 5 {
		frame := frameFor(t, k, "app", acl, "app")
		current := frame.Send["app"]
		if period > 0 && known[current.Kid] != current.K {
			t.Errorf("period %d sends with %s, which receivers have not heard of", period, current.Kid)
		}
		clear(known)
		secrets := map[string]bool{}
		for _, key := range frame.Receive.Keys {
			known[key.Kid] = key.K
			secret, err := base64.RawURLEncoding.DecodeString(key.K)
			if err != nil || len(secret) != 32 {
				t.Errorf("key %s has %d bytes, %v", key.Kid, len(secret), err)
			}
			secrets[key.K] = true
		}
		if len(secrets) != len(frame.Receive.Keys) {
			t.Error("two keys are the same")
		}
		k.Rotate()
	}
	if got := frameFor(t, k, "app", acl, "app").receives(); got != "app.7 app.6 app.5" {
		t.Errorf("after five rotations app receives with %s", got)
	}
}

func TestKeyring_ReadsWithTheKeyBeforeAndNoOlderOne(t *testing.T) {
	k := NewKeyring()
	encrypt := func() string {
		jwe, err := k.Encrypt("app", "web-1.1", "x", []byte(`1`))
		if err != nil {
			t.Fatal(err)
		}
		return jwe
	}
	first, second := encrypt(), encrypt()
	k.Rotate()
	if _, err := k.Decrypt("app", "web-1.1", "x", first); err != nil {
		t.Errorf("after one rotation: %v", err)
	}
	k.Rotate()
	if _, err := k.Decrypt("app", "web-1.1", "x", second); err == nil || !strings.Contains(err.Error(), "any more") {
		t.Errorf("after two rotations: %v", err)
	}
}

func TestKeyring_RunRotatesEveryPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyring()
		acl := newTestACL(t)
		frameFor(t, k, "app", acl, "app")
		ctx, cancel := context.WithCancel(t.Context())
		var times atomic.Int32
		ended := make(chan error)
		go func() { ended <- k.Run(ctx, time.Hour, func() { times.Add(1) }) }()
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if times.Load() != 0 {
			t.Error("rotated before its time")
		}
		time.Sleep(2*time.Hour + 2*time.Second)
		synctest.Wait()
		if got := frameFor(t, k, "app", acl, "app").receives(); times.Load() != 3 || got != "app.5 app.4 app.3" {
			t.Errorf("after three hours: told %d times, receives with %s", times.Load(), got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func FuzzKeyring_Decrypt(f *testing.F) {
	for _, v := range readVectors(f).Tokens {
		f.Add(v.JWE, v.From, v.Type)
	}
	good := token(f, knownSecret, goodHeader, `{"a":1}`)
	f.Add(good, "web-1.1", "task.run")
	f.Add("....", "", "")
	f.Add(token(f, knownSecret, `{"alg":"dir","enc":"A256GCM","kid":"app.2","zip":"DEF","from":"","type":"","n":1}`, ``), "", "")
	f.Fuzz(func(t *testing.T, jwe, from, kind string) {
		k := keyringWith("app", "app.2", knownSecret)
		data, err := k.Decrypt("app", from, kind, jwe)
		// Nobody but the seeds' maker has the key, so nothing else can be read.
		if err == nil && (from != "web-1.1" || kind != "task.run" || string(data) != `{"a":1}`) {
			t.Fatalf("%q from %q of the type %q was read as %q", jwe, from, kind, data)
		}
	})
}

func BenchmarkKeyring(b *testing.B) {
	k := NewKeyring()
	data := []byte(`{"sku":42,"price":3.5,"tags":["a","b"]}`)
	b.Run("Encrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Encrypt("app", "web-1.1", "price.changed", data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("EncryptAndDecrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			jwe, err := k.Encrypt("app", "web-1.1", "price.changed", data)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := k.Decrypt("app", "web-1.1", "price.changed", jwe); err != nil {
				b.Fatal(err)
			}
		}
	})
}
