package cache

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// running runs the service until the test ends.
func (b *bench) running() {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.Run(ctx) })
	b.t.Cleanup(func() { stop(); wg.Wait() })
}

// drops checks the frames that came to a worker since the last call.
func (b *bench) drops(worker string, want ...string) {
	b.t.Helper()
	got := b.queues.worker(worker).taken()
	for i, frame := range got {
		got[i] = strings.TrimSuffix(strings.TrimPrefix(frame, `{"drover":"drop","namespace":`), "}")
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("%s got %q, want %q", worker, got, want)
	}
}

func TestNear_TellsOfEachChange(t *testing.T) {
	b := newBench(t)
	b.ask("app-1.1", `[["near","n",true]]`)
	b.ask("app-2.1", `[["near","n",true],["near","m",true]]`)
	f := func(ops string, want ...string) {
		t.Helper()
		b.ask("app-1.1", ops)
		b.drops("app-1.1", want...)
		b.drops("app-2.1", want...)
	}
	f(`[["get","n","a"]]`)
	f(`[["set","n","a",1]]`, `"n","keys":["a"]`)
	f(`[["set","n","a",1],["set","n","b\"\n",1]]`, `"n","keys":["a","b\"\n"]`)
	f(`[["add","n","a",1]]`)
	f(`[["add","n","c",1]]`, `"n","keys":["c"]`)
	f(`[["increment","n","i",1]]`, `"n","keys":["i"]`)
	f(`[["increment","n","a","x"]]`)
	f(`[["delete","n","a"]]`, `"n","keys":["a"]`)
	f(`[["delete","n","a"]]`, `"n","keys":["a"]`) // a copy of what was evicted may be about
	f(`[["set","n","x1",1,{"tags":["t"]}]]`, `"n","keys":["x1"]`)
	f(`[["invalidateTag","n","t"]]`, `"n","keys":["x1"]`)
	f(`[["invalidateTag","n","t"]]`)
	f(`[["set","n","x2",1]]`, `"n","keys":["x2"]`)
	f(`[["invalidatePrefix","n","x"]]`, `"n","keys":["x2"]`)
	f(`[["lease","n","k"],["set","n","k",1,{"lease":"1"}]]`, `"n","keys":["k"]`)
	f(`[["set","n","k",1,{"lease":"1"}]]`)
	f(string(frameOf(maxDropKeys, func(i int) string { return fmt.Sprintf(`["delete","n","%d"]`, 1) })),
		`"n","keys":["1"`+strings.Repeat(`,"1"`, maxDropKeys-1)+`]`)
	f(string(frameOf(maxDropKeys+1, func(i int) string { return fmt.Sprintf(`["delete","n","%d"]`, i) })), `"n","all":true`)
	f(string(frameOf(70, func(i int) string { return fmt.Sprintf(`["delete","n","%d%s"]`, i, strings.Repeat("x", 1000)) })), `"n","all":true`)

	b.ask("app-1.1", `[["set","m","a",1],["set","o","a",1]]`)
	b.drops("app-1.1")
	b.drops("app-2.1", `"m","keys":["a"]`)
	b.ask("app-2.1", `[["near","n",false]]`)
	b.ask("app-3.1", `[["set","n","a",1],["set","m","a",1]]`)
	b.drops("app-1.1", `"n","keys":["a"]`)
	b.drops("app-2.1", `"m","keys":["a"]`)
	mustSet(t, b.store, "n", "from-go", "1", EntryOptions{})
	b.drops("app-1.1", `"n","keys":["from-go"]`)
	b.Gone("app-1.1")
	b.Gone("app-2.1")
	b.ask("app-3.1", `[["set","n","a",1],["set","m","a",1]]`)
	b.drops("app-1.1")
	b.drops("app-2.1")
}

func TestNear_DropComesBeforeTheReply(t *testing.T) {
	b := newBench(t)
	b.ask("app-1.1", `[["near","n",true]]`)
	q := b.queues.worker("app-1.1")
	b.Serve("app-1.1", []byte(`[["set","n","a",1],["get","n","a"]]`), func(result []byte) { q.push(string(result)) })
	if got := q.taken(); len(got) != 2 || got[1] != `[true,[1]]` {
		t.Errorf("%q; want the drop, then the reply", got)
	}
}

func TestNear_AGapDropsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.running()
		b.ask("app-1.1", `[["near","n",true],["near","m",true]]`)
		b.ask("app-2.1", `[["near","n",true]]`)
		q := b.queues.worker("app-1.1")
		q.setFull(true)
		b.ask("app-2.1", `[["set","n","a",1]]`)
		b.ask("app-2.1", `[["set","n","b",1]]`)
		time.Sleep(time.Minute)
		synctest.Wait()                                            // the look for an end of the gap that is due now sees it go on
		b.drops("app-2.1", `"n","keys":["a"]`, `"n","keys":["b"]`) // delayed by nobody
		b.drops("app-1.1")
		q.setFull(false)
		b.ask("app-2.1", `[["set","n","c",1],["set","m","c",1]]`) // the gap is not over yet
		b.drops("app-1.1", `"m","keys":["c"]`)
		time.Sleep(resyncEvery)
		synctest.Wait()
		b.drops("app-1.1", `"n","all":true`)
		b.ask("app-2.1", `[["set","n","d",1]]`)
		b.drops("app-1.1", `"n","keys":["d"]`)
		if st := b.store.Stats().Namespaces[0]; st.Resyncs != 1 || st.Copying != 2 {
			t.Errorf("%+v", st)
		}
		// A gap of a worker that has gone ends with it.
		q.setFull(true)
		b.ask("app-2.1", `[["set","n","e",1]]`)
		b.Gone("app-1.1")
		q.setFull(false)
		time.Sleep(time.Second)
		b.drops("app-1.1")
		b.near.gaps.Range(func(c, _ any) bool { t.Errorf("a gap is left of %v", c.(*client).id); return true })
	})
}

func TestNear_TellsWhatLeftByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.running()
		b.ask("app-1.1", `[["near","n",true]]`)
		b.ask("app-2.1", `[["set","n","short",1,{"ttlMs":1000,"tags":["t"]}]]`)
		b.drops("app-1.1", `"n","keys":["short"]`)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.drops("app-1.1", `"n","keys":["short"]`)
	})
}

// An entry that was evicted is no longer known by its tag; copies of it are all
// the same gone when the one who invalidated the tag is answered.
func TestNear_InvalidationReachesCopiesOfTheEvicted(t *testing.T) {
	b := newBench(t) // not running: nobody else tells of evictions
	b.ask("app-1.1", `[["near","n",true]]`)
	value := `"` + strings.Repeat("x", 10_000) + `"`
	for i := range 300 {
		mustSet(t, b.store, "n", fmt.Sprint("k", i), value, EntryOptions{Tags: []string{"t"}})
	}
	b.store.table.CleanUp()
	b.queues.worker("app-1.1").taken()
	st := b.store.Stats().Namespaces[0]
	n := b.store.InvalidateTag("n", "t")
	dropped := make(map[string]bool)
	for _, frame := range b.queues.worker("app-1.1").taken() {
		var drop struct{ Keys []string }
		_ = json.Unmarshal([]byte(frame), &drop)
		for _, key := range drop.Keys {
			dropped[key] = true
		}
	}
	if n == 300 || st.Evictions == 0 || len(dropped) != 300 {
		t.Errorf("%d entries invalidated, %d evicted before; %d copies dropped, want all 300", n, st.Evictions, len(dropped))
	}
}

// copier is a worker that keeps near copies as docs/ipc-protocol.md says.
type copier struct {
	t       testing.TB
	id      string
	service *Service

	mu     sync.Mutex
	queue  []string // replies and drops, in order
	room   int      // of the queue, for drops; replies wait in the hub as long as it takes
	sent   map[int]*question
	copies map[string]string
	last   int
}

// question is a get under way.
type question struct {
	key  string
	late bool // a drop of the key came before the reply
}

func (c *copier) Push(frame []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) >= c.room {
		return false
	}
	c.queue = append(c.queue, string(frame))
	return true
}

// get asks for a key; the reply comes over the queue.
func (c *copier) get(key string) {
	c.mu.Lock()
	c.last++
	id := c.last
	c.sent[id] = &question{key: key}
	c.mu.Unlock()
	c.service.Serve(c.id, fmt.Appendf(nil, `[["get","n","%s"]]`, key), func(result []byte) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.queue = append(c.queue, fmt.Sprintf(`{"drover":"reply","id":%d,"data":%s}`, id, result))
	})
}

// read takes up to n frames from the queue.
func (c *copier) read(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range min(n, len(c.queue)) {
		c.take(c.queue[0])
		c.queue = c.queue[1:]
	}
}

func (c *copier) take(frame string) {
	var f struct {
		Drover string
		ID     int
		Data   []json.RawMessage
		Keys   []string
		All    bool
	}
	if err := json.Unmarshal([]byte(frame), &f); err != nil {
		c.t.Errorf("%s: %v", frame, err)
		return
	}
	if f.Drover == "drop" {
		for _, q := range c.sent {
			q.late = q.late || f.All || slices.Contains(f.Keys, q.key)
		}
		for _, key := range f.Keys {
			delete(c.copies, key)
		}
		if f.All {
			clear(c.copies)
		}
		return
	}
	q := c.sent[f.ID]
	delete(c.sent, f.ID)
	var value []json.RawMessage
	if err := json.Unmarshal(f.Data[0], &value); err != nil {
		c.t.Errorf("%s: %v", frame, err)
	}
	if value != nil && !q.late {
		c.copies[q.key] = string(value[0])
	}
}

// copiers is the Pusher of several.
type copiers map[string]*copier

func (c copiers) Push(worker string, frame []byte) bool { return c[worker].Push(frame) }

// open returns how many questions have no answer yet.
func (c *copier) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent)
}

// work asks and changes at random, with at most 15 questions open.
func (c *copier) work(r *rand.Rand, n int, number *atomic.Int64) {
	for range n {
		key, tag := fmt.Sprint("k", r.IntN(80)), fmt.Sprint("t", r.IntN(30))
		op := ""
		switch r.IntN(48) {
		case 0:
			op = fmt.Sprintf(`["delete","n","%s"]`, key)
		case 1:
			op = fmt.Sprintf(`["invalidateTag","n","%s"]`, tag)
		case 2:
			op = fmt.Sprintf(`["invalidatePrefix","n","k%d"]`, 10+r.IntN(70))
		case 3, 4, 5, 6, 7, 8, 9:
			op = fmt.Sprintf(`["set","n","%s",%d,{"tags":["%s"]}]`, key, number.Add(1), tag)
		case 10:
			op = fmt.Sprintf(`["add","n","%s",%d,{"tags":["%s"]}],["increment","n","%s",1000000]`, key, number.Add(1), tag, key)
		default:
			for c.open() > 15 {
				runtime.Gosched()
			}
			c.get(key)
			continue
		}
		c.service.Serve(c.id, []byte("["+op+"]"), func([]byte) {})
	}
}

// readUntil reads what comes, a few frames at a time.
func (c *copier) readUntil(done <-chan struct{}, r *rand.Rand) {
	for {
		select {
		case <-done:
			return
		default:
			c.read(r.IntN(8))
			runtime.Gosched()
		}
	}
}

// Many workers read, change and invalidate at once, some too slow for their
// queues, with a store that is too small for all: whenever it is quiet again, no
// copy differs from what the store has.
func TestNear_NoCopyStaysStale(t *testing.T) {
	store := newTestStore(t, Options{MaxBytes: 24 << 10, MaxEntryBytes: 8 << 10}) // half of the keys
	all := copiers{}
	service := NewService(store, all)
	for i := range 4 {
		id := fmt.Sprint("app-", i, ".1")
		all[id] = &copier{t: t, id: id, service: service, room: 20 + 40*i, sent: make(map[int]*question), copies: make(map[string]string)}
		service.Serve(id, []byte(`[["near","n",true]]`), func([]byte) {})
	}
	(&bench{Service: service, t: t}).running()
	var number atomic.Int64
	copies := 0
	for round := range uint64(20) {
		var wg sync.WaitGroup
		for id, c := range all {
			seed := uint64(id[4])
			done := make(chan struct{})
			wg.Go(func() {
				defer close(done)
				c.work(rand.New(rand.NewPCG(seed, round)), 400, &number)
			})
			wg.Go(func() { c.readUntil(done, rand.New(rand.NewPCG(seed, 100+round))) })
		}
		wg.Wait()
		all.settle(t, store)
		for _, c := range all {
			copies += len(c.copies)
			for key, value := range c.copies {
				if now, ok := store.Get("n", key); !ok || string(now.JSON) != value {
					t.Errorf("%s has a stale copy of %s: %s, the store has %q", c.id, key, value, now.JSON)
				}
			}
		}
	}
	st := store.Stats().Namespaces[0]
	t.Logf("%d copies compared; %+v", copies, st)
	if copies < 100 || st.Evictions == 0 || st.Resyncs == 0 || st.Hits == 0 {
		t.Errorf("the test tries too little: %d copies compared, %+v", copies, st)
	}
}

// settle waits until all drops have come and are read.
func (c copiers) settle(t *testing.T, store *Store) {
	t.Helper()
	store.table.CleanUp()
	ns := store.namespace("n")
	quiet := func() bool {
		store.dropEvicted(ns) // ends after the one that may be under way
		left := 0
		for _, one := range c {
			one.read(1 << 20)
			one.mu.Lock()
			left += len(one.queue) + len(one.sent)
			one.mu.Unlock()
			one.near().gaps.Range(func(any, any) bool { left++; return true })
		}
		ns.index.mu.Lock()
		defer ns.index.mu.Unlock()
		return left == 0 && len(ns.evicted.keys) == 0 && !ns.evicted.all
	}
	for end := time.Now().Add(10 * time.Second); !quiet(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not become quiet")
		}
	}
}

func (c *copier) near() *near { return c.service.near }
