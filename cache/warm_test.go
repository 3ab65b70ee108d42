package cache

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWarmer_FillsFromListAndFiles(t *testing.T) {
	dir := t.TempDir()
	lines, list := filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "b.json")
	write(t, lines, `{"namespace":"n","key":"line1","value":1,"ttl":"10m","tags":["t"]}`+"\n\n"+
		`{"namespace":"n","key":"line2","value":{"a": 1},"ttl":60000}`+"\r\n"+`{"namespace":"n","key":"line3","value":3,"ttl":0}`)
	write(t, list, "\n [\n {\"namespace\":\"n\",\"key\":\"list1\",\n\"value\":{\n\"a\":1}\n},\n\n{\"namespace\":\"m\",\"key\":\"list2\",\"value\":null}]\n")
	s := newTestStore(t, Options{MaxBytes: 1 << 20, MaxEntryBytes: 1 << 10, DefaultTTL: time.Hour})
	w := &Warmer{Store: s, Items: []Item{{Namespace: "n", Key: "item", Value: []byte("[1]")}}, Files: []string{lines, list}}
	f := func(replace bool, want int) {
		t.Helper()
		n, err := w.Warm(replace)
		says(t, err)
		if n != want {
			t.Errorf("%d entries stored, want %d", n, want)
		}
	}
	f(false, 6)
	has(t, s, "n", "item", "[1]")
	has(t, s, "n", "line1", "1")
	has(t, s, "n", "line2", `{"a":1}`)
	has(t, s, "n", "list1", `{"a":1}`)
	has(t, s, "m", "list2", `null`)
	ttl := func(key string, want time.Duration) {
		t.Helper()
		if v, _ := s.Get("n", key); v.TTL > want || v.TTL < want-time.Minute/2 {
			t.Errorf("%s: %v left, want %v", key, v.TTL, want)
		}
	}
	ttl("line1", 10*time.Minute)
	ttl("line2", time.Minute)
	ttl("line3", 0)
	ttl("list1", time.Hour)
	mustSet(t, s, "n", "item", "2", EntryOptions{})
	f(false, 0)
	has(t, s, "n", "item", "2")
	s.Delete("n", "line1")
	f(false, 1)
	f(true, 6)
	has(t, s, "n", "item", "[1]")
	if n := s.InvalidateTag("n", "t"); n != 1 {
		t.Errorf("%d entries have the tag", n)
	}
}

func TestWarmer_NamesFileAndLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "warm")
	f := func(text string, want int, parts ...string) {
		t.Helper()
		write(t, path, text)
		s := smallStore(t)
		n, err := (&Warmer{Store: s, Files: []string{path}}).Warm(true)
		says(t, err, parts...)
		if n != want {
			t.Errorf("%s: %d stored, want %d", text, n, want)
		}
	}
	const good = `{"namespace":"n","key":"k","value":1}`
	f("", 0)
	f("[]", 0)
	f(" [ ] ", 0)
	f(good+"\n{\n"+good, 2, path+":2: ")
	f(good+"\n"+`{"namespace":"n","key":"","value":1}`+"\n"+good, 2, path+":2: a key has 1 to 1024 bytes")
	f(`{"namespace":"n","key":1,"value":1}`, 0, path+":1: /key")
	f(`{"namespace":"n","key":"k","value":1,"ttl":"soon"}`, 0, path+":1: ttl: ", "is not a length of time")
	f(`{"namespace":"n","key":"k","value":1,"ttl":"-1s"}`, 0, "is negative")
	f(`{"namespace":"n","key":"k","value":1,"ttl":true}`, 0, "is not a length of time")
	f(`{"namespace":"n","key":"k","value":1,"ttl":1,"expires":1}`, 0, "both ttl and expires")
	f(`{"namespace":"n","key":"k","value":1,"tags":["`+strings.Repeat("t", MaxTag+1)+`"]}`, 0, path+":1: tags are a list")
	f("[\n"+good+",\n\n"+`{"namespace":"n","key":"k"}`+",\n"+good+"\n]", 2, path+":4: there is no value")
	f("[\n"+good+",\n"+good+"\n"+good+"]", 2, path+":4: ", "after array element")
	f("[\n"+good+",\n"+good, 2, path+":3: ")
	f("[\n"+good+",\n{]", 1, path+":3: ")
	n, err := (&Warmer{Store: smallStore(t), Files: []string{path + ".missing"}, Items: []Item{{Namespace: "n", Key: "k", Value: []byte("{")}, {Namespace: "n", Key: "k2", Value: []byte("1")}}}).Warm(true)
	says(t, err, path+".missing", "k of namespace n: the value is not JSON")
	if n != 1 {
		t.Errorf("%d stored, want 1", n)
	}
}
