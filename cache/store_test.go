package cache

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newTestStore(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func smallStore(t testing.TB) *Store {
	t.Helper()
	return newTestStore(t, Options{MaxBytes: 1 << 20, MaxEntryBytes: 64 << 10})
}

// mustSet stores a value that has to be taken.
func mustSet(t testing.TB, s *Store, namespace, key, value string, o EntryOptions) {
	t.Helper()
	if err := s.Set(namespace, key, []byte(value), o); err != nil {
		t.Fatalf("set %s: %v", key, err)
	}
}

// has checks the value of a key; "" is none.
func has(t testing.TB, s *Store, namespace, key, want string) {
	t.Helper()
	v, ok := s.Get(namespace, key)
	if string(v.JSON) != want || ok != (want != "") {
		t.Errorf("%s = %q, %v; want %q", key, v.JSON, ok, want)
	}
}

// failsWith checks the code of an error.
func failsWith(t testing.TB, err error, code string) {
	t.Helper()
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Code != code {
		t.Errorf("error %v, want one with the code %s", err, code)
	}
}

func TestNew_RefusesBoundsThatHoldNothing(t *testing.T) {
	for _, o := range []Options{{}, {MaxBytes: 10}, {MaxBytes: 10, MaxEntryBytes: 11}, {MaxBytes: -1, MaxEntryBytes: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestStore_KeepsNamespacesApart(t *testing.T) {
	s := smallStore(t)
	mustSet(t, s, "a", "k", `1`, EntryOptions{})
	mustSet(t, s, "b", "k", `2`, EntryOptions{})
	has(t, s, "a", "k", "1")
	has(t, s, "b", "k", "2")
	has(t, s, "c", "k", "")
	if !s.Delete("a", "k") || s.Delete("a", "k") || s.Delete("c", "k") {
		t.Error("delete does not tell whether the key was there")
	}
	has(t, s, "a", "k", "")
	has(t, s, "b", "k", "2")
}

func TestStore_RefusesWhatItCannotKeep(t *testing.T) {
	s := smallStore(t)
	f := func(namespace, key, value string, o EntryOptions, code string) {
		t.Helper()
		failsWith(t, s.Set(namespace, key, []byte(value), o), code)
		_, err := s.Add(namespace, key, []byte(value), o)
		failsWith(t, err, code)
	}
	many := slices.Repeat([]string{"t"}, MaxTags+1)
	f("", "k", "1", EntryOptions{}, CodeBadOperation)
	f("a/b", "k", "1", EntryOptions{}, CodeBadOperation)
	f(strings.Repeat("n", 65), "k", "1", EntryOptions{}, CodeBadOperation)
	f("n", "", "1", EntryOptions{}, CodeBadOperation)
	f("n", "\xff", "1", EntryOptions{}, CodeBadOperation)
	f("n", strings.Repeat("k", MaxKey+1), "1", EntryOptions{}, CodeBadOperation)
	f("n", "k", "{", EntryOptions{}, CodeBadOperation)
	f("n", "k", "1 2", EntryOptions{}, CodeBadOperation)
	f("n", "k", "1", EntryOptions{Tags: many}, CodeBadOperation)
	f("n", "k", "1", EntryOptions{Tags: []string{""}}, CodeBadOperation)
	f("n", "k", "1", EntryOptions{TTL: -2}, CodeBadOperation)
	f("n", "k", `"`+strings.Repeat("x", 64<<10)+`"`, EntryOptions{}, CodeTooLarge)
	has(t, s, "n", "k", "")
	for i := range MaxNamespaces - 1 {
		mustSet(t, s, fmt.Sprint("n", i), "k", "1", EntryOptions{})
	}
	failsWith(t, s.Set("one-more", "k", []byte("1"), EntryOptions{}), CodeTooManyNamespaces)
}

func TestStore_KeepsAValueInOneLine(t *testing.T) {
	s := smallStore(t)
	mustSet(t, s, "n", "k", "{\n \"a\": [1,\r\n 2]\n}", EntryOptions{})
	has(t, s, "n", "k", `{"a":[1,2]}`)
}

func TestStore_AddsOnlyWhereNothingIs(t *testing.T) {
	s := smallStore(t)
	f := func(value string, want bool) {
		t.Helper()
		if added, err := s.Add("n", "k", []byte(value), EntryOptions{}); added != want || err != nil {
			t.Errorf("add: %v, %v; want %v", added, err, want)
		}
	}
	f("1", true)
	f("2", false)
	has(t, s, "n", "k", "1")
	s.Delete("n", "k")
	f("3", true)
	has(t, s, "n", "k", "3")
}

func TestStore_AddsForOneOfMany(t *testing.T) {
	s := smallStore(t)
	for round := range 200 {
		key := fmt.Sprint(round)
		var wg sync.WaitGroup
		var mu sync.Mutex
		added := 0
		for range 4 {
			wg.Go(func() {
				if ok, _ := s.Add("n", key, []byte("1"), EntryOptions{}); ok {
					mu.Lock()
					added++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if added != 1 {
			t.Fatalf("%d of 4 added the same key", added)
		}
	}
}

func TestStore_IncrementsNumbers(t *testing.T) {
	s := smallStore(t)
	f := func(key, by, want string) {
		t.Helper()
		got, err := s.Increment("n", key, []byte(by), EntryOptions{})
		if want == "" {
			failsWith(t, err, CodeNotANumber)
			return
		}
		if string(got) != want || err != nil {
			t.Errorf("increment by %s: %s, %v; want %s", by, got, err, want)
		}
		has(t, s, "n", key, want)
	}
	f("k", "1", "1")
	f("k", "41", "42")
	f("k", "-50", "-8")
	f("k", "0.5", "-7.5")
	f("k", "7.5", "0")
	f("k", "9223372036854775807", "9223372036854775807")
	f("k", "1", "9223372036854776000") // as in JavaScript: no longer exact, no longer 64 bits
	f("f", "1e308", "1e+308")
	f("f", "1e308", "")
	f("f", "Inf", "")
	f("f", "0x10", "")
	f("f", `"1"`, "")
	has(t, s, "n", "f", "1e+308")
	mustSet(t, s, "n", "text", `"1"`, EntryOptions{})
	f("text", "1", "")
	has(t, s, "n", "text", `"1"`)
}

func TestStore_IncrementLosesNone(t *testing.T) {
	s := smallStore(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2500 {
				if _, err := s.Increment("n", "k", []byte("1"), EntryOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	has(t, s, "n", "k", "10000")
}

func TestStore_IncrementKeepsTimeAndTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := New(Options{MaxBytes: 1 << 20, MaxEntryBytes: 1 << 10})
		defer s.Close()
		for range 2 {
			_, _ = s.Increment("n", "k", []byte("1"), EntryOptions{TTL: time.Minute, Tags: []string{"t"}})
			time.Sleep(40 * time.Second)
			has(t, s, "n", "k", "1")
			_, _ = s.Increment("n", "k", []byte("1"), EntryOptions{TTL: time.Hour, Tags: []string{"other"}})
			if n := s.InvalidateTag("n", "other"); n != 0 {
				t.Errorf("%d entries have the tag of the second increment", n)
			}
			has(t, s, "n", "k", "2")
			time.Sleep(20 * time.Second)
			has(t, s, "n", "k", "")
		}
		_, _ = s.Increment("n", "k", []byte("1"), EntryOptions{Tags: []string{"t"}})
		_, _ = s.Increment("n", "k", []byte("1"), EntryOptions{})
		if n := s.InvalidateTag("n", "t"); n != 1 {
			t.Errorf("%d entries have the tag of the first increment, want 1", n)
		}
	})
}

func TestStore_Expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := New(Options{MaxBytes: 1 << 20, MaxEntryBytes: 1 << 10, DefaultTTL: time.Minute})
		defer s.Close()
		mustSet(t, s, "n", "default", "1", EntryOptions{Tags: []string{"t"}})
		mustSet(t, s, "n", "short", "1", EntryOptions{TTL: time.Second, Tags: []string{"t"}})
		mustSet(t, s, "n", "forever", "1", EntryOptions{TTL: Forever, Tags: []string{"t"}})
		f := func(key string, want time.Duration) {
			t.Helper()
			if v, ok := s.Get("n", key); !ok || v.TTL != want {
				t.Errorf("%s: %v, %v left; want %v", key, ok, v.TTL, want)
			}
		}
		f("default", time.Minute)
		f("short", time.Second)
		f("forever", 0)
		time.Sleep(999*time.Millisecond + 999*time.Microsecond)
		f("short", time.Millisecond) // never 0, which would mean for ever
		time.Sleep(time.Microsecond)
		has(t, s, "n", "short", "")
		f("default", 59*time.Second)
		mustSet(t, s, "n", "forever", "2", EntryOptions{TTL: time.Second}) // shorter than before
		time.Sleep(time.Second)
		has(t, s, "n", "forever", "")
		time.Sleep(3 * time.Minute)
		if st := s.Stats(); st.Entries != 0 || st.Bytes != 0 || st.Namespaces[0].Expirations != 3 {
			t.Errorf("after all have expired: %+v", st)
		}
		indexIsExact(t, s)
	})
}

func TestStore_InvalidatesByTag(t *testing.T) {
	s := smallStore(t)
	mustSet(t, s, "n", "a", "1", EntryOptions{Tags: []string{"x", "y", "x"}})
	mustSet(t, s, "n", "b", "1", EntryOptions{Tags: []string{"y"}})
	mustSet(t, s, "n", "c", "1", EntryOptions{})
	mustSet(t, s, "m", "a", "1", EntryOptions{Tags: []string{"x"}})
	mustSet(t, s, "n", "b", "2", EntryOptions{Tags: []string{"z"}}) // no longer y
	f := func(tag string, want int) {
		t.Helper()
		if n := s.InvalidateTag("n", tag); n != want {
			t.Errorf("tag %s: %d entries went, want %d", tag, n, want)
		}
	}
	f("y", 1)
	has(t, s, "n", "a", "")
	has(t, s, "n", "b", "2")
	has(t, s, "n", "c", "1")
	has(t, s, "m", "a", "1")
	f("x", 0)
	f("z", 1)
	if s.InvalidateTag("none", "x") != 0 {
		t.Error("a namespace that is not there had entries")
	}
	indexIsExact(t, s)
}

func TestStore_InvalidatesByPrefix(t *testing.T) {
	s := smallStore(t)
	keys := []string{"user:1", "user:10", "user:2", "use", "user", "uses", "\U0010ffff"}
	f := func(prefix string, want int) {
		t.Helper()
		for _, key := range keys {
			mustSet(t, s, "n", key, "1", EntryOptions{})
		}
		mustSet(t, s, "m", "user:1", "1", EntryOptions{})
		if n := s.InvalidatePrefix("n", prefix); n != want {
			t.Errorf("prefix %s: %d entries went, want %d", prefix, n, want)
		}
		for _, key := range keys {
			if _, ok := s.Get("n", key); ok == strings.HasPrefix(key, prefix) {
				t.Errorf("prefix %s: %s there: %v", prefix, key, ok)
			}
		}
		has(t, s, "m", "user:1", "1")
		indexIsExact(t, s)
	}
	f("user:1", 2)
	f("user:", 3)
	f("user", 4)
	f("\U0010ffff", 1)
	f("nobody", 0)
	f("", len(keys))
}

func TestStore_InvalidatesManyInChunks(t *testing.T) {
	s := newTestStore(t, Options{MaxBytes: 8 << 20, MaxEntryBytes: 1 << 10})
	for i := range 3*chunk + 7 {
		mustSet(t, s, "n", fmt.Sprint(i), "1", EntryOptions{Tags: []string{"t"}})
	}
	if n := s.InvalidateTag("n", "t"); n != 3*chunk+7 {
		t.Errorf("%d entries went, want %d", n, 3*chunk+7)
	}
	if st := s.Stats(); st.Entries != 0 || st.Namespaces[0].Invalidated != 3*chunk+7 {
		t.Errorf("%+v", st)
	}
}

func TestStore_StaysWithinItsBytes(t *testing.T) {
	s := smallStore(t)
	value := `"` + strings.Repeat("x", 1000) + `"`
	for i := range 5000 {
		mustSet(t, s, "n", fmt.Sprint(i), value, EntryOptions{Tags: []string{fmt.Sprint("t", i%7)}})
	}
	s.table.CleanUp()
	st := s.Stats()
	if st.Bytes > 1<<20 || st.Bytes < 1<<19 {
		t.Errorf("%d bytes are kept of %d", st.Bytes, 1<<20)
	}
	if n := st.Namespaces[0]; n.Evictions != 5000-uint64(st.Entries) || n.Sets != 5000 {
		t.Errorf("%d evictions with %d of 5000 entries left", n.Evictions, st.Entries)
	}
	indexIsExact(t, s)
}

// indexIsExact checks that the indexes know each entry of the table, and
// nothing else, once the table has removed what has expired. Nobody else may use
// the store.
func indexIsExact(t testing.TB, s *Store) {
	t.Helper()
	expired := func() bool {
		s.table.CleanUp()
		for _, ns := range s.spaces.Load().all {
			for e := ns.index.first; e != nil; e = e.next {
				if e.expires <= s.clock.NowNano() {
					return true
				}
			}
		}
		return false
	}
	for end := time.Now().Add(10 * time.Second); expired() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	inTable := make(map[*entry]bool)
	bytes := make(map[*namespace]int64)
	for _, e := range s.table.All() {
		inTable[e] = true
		bytes[e.ns] += e.weight()
	}
	total := 0
	for _, ns := range s.spaces.Load().all {
		listed, tags := 0, make(map[string]int)
		for e := ns.index.first; e != nil; e = e.next {
			if !inTable[e] {
				t.Errorf("%s is in the index of %s and not in the table", e.key(), ns.name)
			}
			for _, tag := range slices.Compact(slices.Sorted(slices.Values(e.tags))) {
				tags[tag]++
				if _, ok := ns.index.tags[tag].entries[e]; !ok {
					t.Errorf("%s is not known by its tag %s", e.key(), tag)
				}
			}
			listed++
		}
		total += listed
		count := make(map[string]int)
		for name, set := range ns.index.tags {
			count[name] = len(set.entries)
		}
		if !maps.Equal(tags, count) {
			t.Errorf("tags of %s: %v in the index, %v in the entries", ns.name, count, tags)
		}
		if ns.index.count != listed || ns.index.bytes != bytes[ns] {
			t.Errorf("%s: %d entries of %d bytes counted, %d of %d there", ns.name, ns.index.count, ns.index.bytes, listed, bytes[ns])
		}
		if o := ns.index.ordered; o != nil && o.Len() != listed {
			t.Errorf("%s: %d entries in order, %d there", ns.name, o.Len(), listed)
		}
	}
	if total != len(inTable) {
		t.Errorf("%d entries in the indexes, %d in the table", total, len(inTable))
	}
}

// All at once, with evictions and expiry: what the index says stays what the
// table has.
func TestStore_IndexIsExactUnderLoad(t *testing.T) {
	s := newTestStore(t, Options{MaxBytes: 256 << 10, MaxEntryBytes: 4 << 10})
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(worker, 1))
			for range 6000 {
				namespace, key, tag := fmt.Sprint("n", r.IntN(2)), fmt.Sprint("k", r.IntN(400)), fmt.Sprint("t", r.IntN(20))
				o := EntryOptions{Tags: []string{tag, fmt.Sprint("t", r.IntN(20))}}
				switch r.IntN(12) {
				case 0:
					s.InvalidateTag(namespace, tag)
				case 1:
					s.InvalidatePrefix(namespace, key)
				case 2:
					s.Delete(namespace, key)
				case 3:
					o.TTL = time.Duration(1 + r.IntN(2000)) // nanoseconds: at once
					_ = s.Set(namespace, key, []byte("1"), o)
				case 4:
					_, _ = s.Add(namespace, key, []byte("1"), o)
				case 5:
					_, _ = s.Increment(namespace, key, []byte("1"), o)
				case 6:
					_ = s.Set(namespace, key, []byte(`"`+strings.Repeat("x", r.IntN(3000))+`"`), o)
				case 7:
					s.Stats()
				default:
					s.Get(namespace, key)
				}
			}
		})
	}
	wg.Wait()
	indexIsExact(t, s)
}

// What an entry is said to weigh is not less than what it takes.
func TestStore_WeighsWhatItTakes(t *testing.T) {
	f := func(what string, value string, tags func(i int) []string) {
		t.Helper()
		const n = 20_000
		var before, after runtime.MemStats
		s := newTestStore(t, Options{MaxBytes: 1 << 30, MaxEntryBytes: 1 << 20})
		mustSet(t, s, "n", "first", "1", EntryOptions{})
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range n {
			mustSet(t, s, "n", fmt.Sprintf("user:%d", i), value, EntryOptions{Tags: tags(i)})
		}
		s.table.CleanUp()
		runtime.GC()
		runtime.ReadMemStats(&after)
		took, said := int64(after.HeapAlloc)-int64(before.HeapAlloc), s.Stats().Bytes
		t.Logf("%s: %d bytes each, said %d", what, took/n, said/n)
		if took > said {
			t.Errorf("%s: an entry takes %d bytes and is said to take %d", what, took/n, said/n)
		}
		runtime.KeepAlive(s)
	}
	f("small", "1", func(int) []string { return nil })
	f("one tag of its own", "1", func(i int) []string { return []string{fmt.Sprint("tag:", i)} })
	f("four tags of its own", "1", func(i int) []string {
		return []string{fmt.Sprint("a:", i), fmt.Sprint("b:", i), fmt.Sprint("c:", i), fmt.Sprint("d:", i)}
	})
	f("tags shared", "1", func(i int) []string { return []string{fmt.Sprint("tag:", i%10)} })
}
