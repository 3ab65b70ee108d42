package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// says checks an error: each part has to be in it; without parts there is none.
func says(t testing.TB, err error, parts ...string) {
	t.Helper()
	if len(parts) == 0 && err != nil {
		t.Errorf("error %v", err)
	}
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}

func TestStore_ComesBackAsItWasSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cache.jsonl")
		write(t, path, "what was there before")
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		write(t, path+".new", "what a drover that was killed left behind")
		s := smallStore(t)
		mustSet(t, s, "users", "7", `{"name":"Ada"}`, EntryOptions{TTL: time.Hour, Tags: []string{"team:1", "x"}})
		mustSet(t, s, "users", "quo\"te\n\u2028é", `"va\"lue"`, EntryOptions{})
		mustSet(t, s, "other", "7", `[1]`, EntryOptions{TTL: time.Minute})
		if n, err := s.Save(path); n != 3 || err != nil {
			t.Fatalf("saved %d, %v", n, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("the file's mode is %v (%v)", info.Mode(), err)
		}
		if left, _ := filepath.Glob(path + ".*"); left != nil {
			t.Errorf("%s is left beside it", left)
		}
		if head, _, _ := strings.Cut(read(t, path), "\n"); head != `{"drover":"cache","version":1,"entries":3}` {
			t.Errorf("header %s", head)
		}
		time.Sleep(10 * time.Minute) // drover is down, or the machine
		again := smallStore(t)
		n, err := again.Load(path)
		says(t, err)
		if n != 2 {
			t.Errorf("%d entries loaded, want the 2 that have not expired", n)
		}
		has(t, again, "users", "quo\"te\n\u2028é", `"va\"lue"`)
		has(t, again, "other", "7", "")
		if v, _ := again.Get("users", "7"); string(v.JSON) != `{"name":"Ada"}` || v.TTL != 50*time.Minute {
			t.Errorf("%s for %v", v.JSON, v.TTL)
		}
		if n := again.InvalidateTag("users", "team:1"); n != 1 {
			t.Error("the tags are lost")
		}
	})
}

func TestStore_LoadsWhatIsGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.jsonl")
	const head = `{"drover":"cache","version":1,"entries":3}` + "\n"
	const one, two, three = `{"namespace":"n","key":"1","value":1}` + "\n", `{"namespace":"n","key":"2","value":2}` + "\n", `{"namespace":"n","key":"3","value":3}` + "\n"
	f := func(text string, want int, parts ...string) {
		t.Helper()
		s := smallStore(t)
		write(t, path, text)
		n, err := s.Load(path)
		says(t, err, parts...)
		if n != want || s.Stats().Entries != want {
			t.Errorf("%d entries loaded, %d there, want %d", n, s.Stats().Entries, want)
		}
	}
	f(head+one+two+three, 3)
	f(head+one+two+strings.TrimSuffix(three, "\n"), 3)
	f(head+one+two, 2, "ends after 2 of 3 entries")
	f(head, 0, "ends after 0 of 3 entries")
	f(head+one+two+three[:20], 2, path+":4: ")
	f(head+one+"\x00\x00\x00\n"+three, 2, path+":3: ")
	f(head+one+`{"namespace":"n/","key":"2","value":2}`+"\n"+three, 2, path+":3: a namespace has")
	f(head+one+`{"namespace":"n","key":"2","value":2,"unknown":1}`+"\n"+three, 2, path+":3: /unknown")
	f(head+one+`{"namespace":"n","key":"2"}`+"\n"+three, 2, path+":3: there is no value")
	f(head+one+`{"namespace":"n","key":"2","value":"`+strings.Repeat("x", 200<<10)+`"}`+"\n"+three, 2, path+":3: the line is longer")
	f(head+one+`{"namespace":"n","key":"2","value":"`+strings.Repeat("x", 100<<10)+`"}`+"\n"+three, 2, path+":3: key and value have")
	f(head+strings.Repeat("x\n", 30)+three, 1, path+":11: ", path+": 20 more lines cannot be used")
	f("", 0, "is not a file that drover saved")
	f(one, 0, "is not a file that drover saved")
	f(`{"drover":"state","version":1}`+"\n"+one, 0, "is not a file that drover saved")
	f(`{"drover":"cache","version":2}`+"\n"+one, 0, "is of version 2, known is 1")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if n, err := smallStore(t).Load(path); n != 0 || err != nil {
		t.Errorf("without a file: %d, %v", n, err)
	}
	_, err := smallStore(t).Load(filepath.Dir(path))
	says(t, err, "load the cache")
}

func TestStore_SavesAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	s := smallStore(t)
	mustSet(t, s, "n", "k", "1", EntryOptions{})
	_, err := s.Save(filepath.Join(dir, "missing", "cache.jsonl"))
	says(t, err, "save the cache", "missing")
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = s.Save(taken)
	says(t, err, "save the cache")
	if left, _ := filepath.Glob(taken + ".*"); left != nil {
		t.Errorf("%s is left", left)
	}
}

// What does not fit any more is what was used least.
func TestStore_LoadsIntoLess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.jsonl")
	s := smallStore(t)
	for i := range 1000 {
		mustSet(t, s, "n", fmt.Sprint("k", i), `"`+strings.Repeat("x", 400)+`"`, EntryOptions{})
	}
	if _, err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	small := newTestStore(t, Options{MaxBytes: 100 << 10, MaxEntryBytes: 1 << 10})
	if _, err := small.Load(path); err != nil {
		t.Fatal(err)
	}
	small.table.CleanUp()
	if st := small.Stats(); st.Bytes > 100<<10 || st.Entries < 50 {
		t.Errorf("%+v", st)
	}
	indexIsExact(t, small)
}

func FuzzStore_Load(f *testing.F) {
	const head = `{"drover":"cache","version":1,"entries":3}` + "\n"
	f.Add([]byte(head + `{"namespace":"n","key":"1","value":1,"tags":["t"],"ttl":"1m"}` + "\n"))
	f.Add([]byte(head + `{"namespace":"n","key":"1","value":{"a":[]},"expires":9999999999999}` + "\n" + "\x00"))
	f.Add([]byte(head + `{"namespace":"n","key":"1","value":1,"ttl":5,"expires":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, string(text))
		s := smallStore(t)
		n, _ := s.Load(path)
		w := &Warmer{Store: s, Files: []string{path}}
		m, _ := w.Warm(false)
		if n+m < s.Stats().Entries {
			t.Errorf("%d entries there, %d and %d said to be loaded", s.Stats().Entries, n, m)
		}
		// What came in goes out, and comes in again.
		s.table.CleanUp()
		var saved bytes.Buffer // not a file: waiting for the disk is no part of it
		all := s.coldestFirst()
		if err := s.write(&saved, all); err != nil {
			t.Fatal(err)
		}
		write(t, path, saved.String())
		if loaded, err := smallStore(t).Load(path); loaded > len(all) || err != nil {
			t.Errorf("%d of %d loaded again: %v", loaded, len(all), err)
		}
	})
}
