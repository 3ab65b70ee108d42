package cache

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// asked is a frame whose reply may come later.
type asked struct {
	mu      sync.Mutex
	replies []string
}

func (a *asked) reply(result []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.replies = append(a.replies, string(result))
}

// got returns the reply, "" where there is none yet.
func (a *asked) got(t testing.TB) string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.replies) > 1 {
		t.Errorf("a frame has %d replies: %s", len(a.replies), a.replies)
	}
	return strings.Join(a.replies, " ")
}

// leaseBench is a bench in a bubble of its own time.
type leaseBench struct{ *bench }

func inBubble(t *testing.T, test func(b *leaseBench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(&leaseBench{newBench(t)})
	})
}

func (b *leaseBench) begin(worker, ops string) *asked {
	a := new(asked)
	b.Serve(worker, []byte(ops), a.reply)
	return a
}

// is checks what came by now: want is a code where it stands for an error.
func (b *leaseBench) is(a *asked, want string) {
	b.t.Helper()
	synctest.Wait()
	got := a.got(b.t)
	if got != want && (want == "" || !strings.HasPrefix(got, `[{"error":{"code":"`+want+`"`)) {
		b.t.Errorf("reply %q, want %q", got, want)
	}
}

const lease1 = `[["lease","n","k"]]`

func TestLease_OneComputesTheOthersWait(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		first := b.begin("app-1.1", lease1)
		b.is(first, `[{"lease":"1"}]`)
		same, other := b.begin("app-1.1", lease1), b.begin("app-2.1", `[["get","n","x"],["lease","n","k"],["set","n","x",5]]`)
		time.Sleep(2 * time.Second)
		b.is(same, "")
		b.is(other, "")
		b.is(b.begin("app-3.1", `[["get","n","x"]]`), `[[5]]`) // what stands after a lease is done meanwhile
		b.is(b.begin("app-1.1", `[["set","n","k",{"v":1},{"lease":"1","ttlMs":60000}]]`), `[true]`)
		b.is(same, `[[{"v":1},60000]]`)
		b.is(other, `[null,[{"v":1},60000],true]`)
		b.is(b.begin("app-3.1", lease1), `[[{"v":1},60000]]`)
		st := b.store.Stats().Namespaces[0]
		if st.Loads != 1 || st.LoadSeconds != 2 || st.SharedLoads != 2 || st.LostLoads != 0 || st.Leases != 0 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestLease_ManyInOneFrame(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", `[["lease","n","a"],["lease","n","b"]]`), `[{"lease":"1"},{"lease":"2"}]`)
		a := b.begin("app-2.1", `[["lease","n","a"],["lease","n","b"],["lease","n","c"]]`)
		b.is(b.begin("app-1.1", `[["set","n","b",2,{"lease":"2"}]]`), `[true]`)
		b.is(a, "")
		b.is(b.begin("app-1.1", `[["set","n","a",1,{"lease":"1"}]]`), `[true]`)
		b.is(a, `[[1],[2],{"lease":"3"}]`)
	})
}

func TestLease_WaitsNoLongerThanAsked(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", lease1), `[{"lease":"1"}]`)
		b.is(b.begin("app-2.1", `[["lease","n","k",{"waitMs":0}]]`), CodeTimeout)
		short, usual := b.begin("app-2.1", `[["lease","n","k",{"waitMs":100}]]`), b.begin("app-2.1", lease1)
		time.Sleep(99 * time.Millisecond)
		b.is(short, "")
		time.Sleep(time.Millisecond)
		b.is(short, CodeTimeout)
		b.is(usual, "")
		time.Sleep(4900 * time.Millisecond)
		b.is(usual, CodeTimeout)
		if st := b.store.Stats().Namespaces[0]; st.Leases != 1 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestLease_ExpiredGoesToTheNext(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", `[["lease","n","k",{"leaseMs":1000}]]`), `[{"lease":"1"}]`)
		second := b.begin("app-2.1", `[["lease","n","k",{"leaseMs":2000}]]`)
		third := b.begin("app-3.1", lease1)
		time.Sleep(time.Second)
		b.is(second, `[{"lease":"2"}]`)
		b.is(third, "")
		b.is(b.begin("app-1.1", `[["set","n","k",1,{"lease":"1"}]]`), CodeLeaseLost)
		b.is(b.begin("app-1.1", `[["set","n","k",1,{"lease":"2"}]]`), CodeLeaseLost) // another's
		b.is(b.begin("app-1.1", `[["release","n","k","2"]]`), CodeLeaseLost)
		b.is(third, "")
		time.Sleep(2 * time.Second)
		b.is(third, `[{"lease":"3"}]`)
		time.Sleep(30 * time.Second)
		b.is(b.begin("app-2.1", lease1), `[{"lease":"4"}]`) // nobody waited
		if st := b.store.Stats().Namespaces[0]; st.LostLoads != 3 || st.Loads != 0 || st.Leases != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestLease_ReleasedGoesToTheNext(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", lease1), `[{"lease":"1"}]`)
		second := b.begin("app-2.1", lease1)
		b.is(b.begin("app-1.1", `[["release","n","k","1"],["release","n","k","1"]]`),
			`[true,{"error":{"code":"lease-lost","message":"`+errLeaseLost.Message+`"}}]`)
		b.is(second, `[{"lease":"2"}]`)
		b.is(b.begin("app-2.1", `[["release","n","k","2"]]`), `[true]`)
		if st := b.store.Stats().Namespaces[0]; st.Leases != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestLease_OfAWorkerThatIsGone(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", lease1), `[{"lease":"1"}]`)
		itself, second, third := b.begin("app-1.1", lease1), b.begin("app-2.1", lease1), b.begin("app-3.1", lease1)
		b.Gone("app-1.1")
		b.is(itself, CodeWorkerGone)
		b.is(second, `[{"lease":"2"}]`)
		b.Gone("app-3.1")
		b.is(third, CodeWorkerGone)
		b.Gone("app-2.1")
		b.Gone("app-2.1")
		b.is(b.begin("app-1.1", lease1), CodeWorkerGone) // a frame that was read before it ended
		b.is(b.begin("app-1.1", `[["near","n",true],["get","n","k"],["set","n","x",1],["release","n","k","1"]]`),
			`[true,null,true,{"error":{"code":"lease-lost","message":"`+errLeaseLost.Message+`"}}]`)
		if n := len(b.store.namespace("n").subscribers()); n != 0 {
			t.Errorf("%d workers that have ended keep copies", n)
		}
		b.is(b.begin("app-1.2", lease1), `[{"lease":"3"}]`)
		if st := b.store.Stats().Namespaces[0]; st.Leases != 1 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		b.Gone("app-1.2")
		time.Sleep(goneFor + time.Second)
		b.Gone("app-9.9")
		if len(b.clients) != 0 || len(b.gone) != 1 {
			t.Errorf("%d workers are remembered, and %d that ended", len(b.clients), len(b.gone))
		}
	})
}

// What is computed may be older than a change that was made meanwhile.
func TestLease_EndsWithAChangeOfItsKey(t *testing.T) {
	f := func(what, change string, waiterGets string) {
		t.Helper()
		inBubble(t, func(b *leaseBench) {
			b.t.Helper()
			b.is(b.begin("app-1.1", lease1), `[{"lease":"1"}]`)
			second := b.begin("app-2.1", lease1)
			b.begin("app-3.1", change)
			b.is(second, waiterGets)
			b.is(b.begin("app-1.1", `[["set","n","k","old",{"lease":"1","tags":["t","u"]}]]`), CodeLeaseLost)
			if v, ok := b.store.Get("n", "k"); ok && string(v.JSON) == `"old"` {
				b.t.Errorf("%s: what was computed before it stands in the cache", what)
			}
		})
	}
	f("set", `[["set","n","k","new"]]`, `[["new"]]`)
	f("add", `[["add","n","k","new"]]`, `[["new"]]`)
	f("increment", `[["increment","n","k",1]]`, `[[1]]`)
	f("delete", `[["delete","n","k"]]`, `[{"lease":"2"}]`)
	f("prefix", `[["invalidatePrefix","n",""]]`, `[{"lease":"2"}]`)
	f("tag", `[["invalidateTag","n","t"]]`, ``) // the tags of what is being computed are not known yet
}

func TestLease_IsStaleForTagsOnly(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", `[["lease","n","a"],["lease","n","b"],["lease","n","c"]]`), `[{"lease":"1"},{"lease":"2"},{"lease":"3"}]`)
		b.begin("app-2.1", `[["invalidateTag","n","t"]]`)
		b.is(b.begin("app-1.1", `[["lease","n","d"]]`), `[{"lease":"4"}]`)
		b.is(b.begin("app-1.1", `[["set","n","a",1,{"lease":"1","tags":["t"]}]]`), CodeLeaseLost)
		b.is(b.begin("app-1.1", `[["set","n","b",1,{"lease":"2","tags":["u"]}],["set","n","c",1,{"lease":"3"}]]`), `[true,true]`)
		b.is(b.begin("app-1.1", `[["set","n","d",1,{"lease":"4","tags":["t"]}]]`), `[true]`) // granted after it
		if marks := b.store.namespace("n").leases.marks; marks != nil {
			t.Errorf("%v is remembered though no lease is open", marks)
		}
		// More tags than are remembered: each open lease is older.
		b.is(b.begin("app-1.1", `[["lease","n","e"],["lease","n","f"]]`), `[{"lease":"5"},{"lease":"6"}]`)
		for i := range maxMarks + 1 {
			b.store.InvalidateTag("n", fmt.Sprint("tag", i))
		}
		b.is(b.begin("app-1.1", `[["set","n","e",1,{"lease":"5","tags":["other"]}]]`), CodeLeaseLost)
		b.is(b.begin("app-1.1", `[["set","n","f",1,{"lease":"6"}]]`), `[true]`)
		b.is(b.begin("app-1.1", `[["lease","n","g"]]`), `[{"lease":"7"}]`)
		b.is(b.begin("app-1.1", `[["set","n","g",1,{"lease":"7","tags":["other"]}]]`), `[true]`)
	})
}

func TestLease_TooLargeGoesToTheNext(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", lease1), `[{"lease":"1"}]`)
		second := b.begin("app-2.1", lease1)
		b.is(b.begin("app-1.1", `[["set","n","k","`+strings.Repeat("x", 64<<10)+`",{"lease":"1"}]]`), CodeTooLarge)
		b.is(second, `[{"lease":"2"}]`)
	})
}

func TestLease_BoundsWhatOneWorkerHolds(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		leases := func(begin int) string {
			return string(frameOf(maxOperations/2, func(i int) string { return fmt.Sprintf(`["lease","n","k%d"]`, begin+i) }))
		}
		b.begin("app-1.1", leases(0))
		b.begin("app-1.1", leases(maxOperations/2))
		b.is(b.begin("app-1.1", lease1), CodeTooManyRequests)
		b.is(b.begin("app-2.1", lease1), `[{"lease":"10001"}]`)
		for range 2 {
			b.begin("app-2.1", leases(0))
		}
		b.is(b.begin("app-2.1", `[["lease","n","k1"]]`), CodeTooManyRequests)
		b.Gone("app-1.1")
		b.Gone("app-2.1")
		if st := b.store.Stats().Namespaces[0]; st.Leases != 0 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestLease_BoundsWhatWaitsBesideIt(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.begin("app-1.1", lease1)
		b.is(b.begin("app-1.1", `[["set","n","big","`+strings.Repeat("x", 60<<10)+`"]]`), `[true]`)
		const eightMB = 8 << 20 / (60 << 10)
		frame := string(frameOf(eightMB+1, func(i int) string {
			if i < eightMB {
				return `["get","n","big"]`
			}
			return `["lease","n","k",{"waitMs":60000}]`
		}))
		var waiting []*asked
		for range 3 { // the third begins below the bound, by what the values fall short of 8 MB
			a := b.begin("app-2.1", frame)
			b.is(a, "")
			waiting = append(waiting, a)
		}
		b.is(b.begin("app-2.1", lease1), CodeTooManyRequests)
		b.is(b.begin("app-3.1", `[["lease","n","k",{"waitMs":0}]]`), CodeTimeout) // others are not concerned
		b.is(b.begin("app-1.1", `[["set","n","k",7,{"lease":"1"}]]`), `[true]`)
		for _, a := range waiting {
			if got := a.got(t); !strings.HasSuffix(got, `,[7]]`) {
				t.Errorf("a reply ends in …%s", got[max(len(got)-40, 0):])
			}
		}
		b.is(b.begin("app-1.1", `[["delete","n","k"]]`), `[true]`)
		b.begin("app-1.1", lease1)
		b.is(b.begin("app-2.1", lease1), "") // it may wait again
	})
}

func TestLease_BoundsTheReplyOfThoseWhoWaited(t *testing.T) {
	inBubble(t, func(b *leaseBench) {
		b.is(b.begin("app-1.1", lease1), `[{"lease":"1"}]`)
		many := b.begin("app-2.1", string(frameOf(1000, func(int) string { return `["lease","n","k"]` })))
		b.begin("app-1.1", `[["set","n","k","`+strings.Repeat("x", 60_000)+`",{"lease":"1"}]]`)
		synctest.Wait()
		if got := many.got(t); len(got) > maxResults+200_000 || !strings.Contains(got, CodeTooLarge) {
			t.Errorf("a reply of %d bytes", len(got))
		}
	})
}

// Many workers ask for few keys at once, computing fails, workers end: each
// question is answered once, and never do two hold one key.
func TestLease_NeverTwoHoldOneKey(t *testing.T) {
	b := newBench(t)
	var computing [4]atomic.Int32
	var answered, leased atomic.Int32
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			generation := 0
			for round := range 400 {
				id := fmt.Sprint("app-", worker, ".", generation)
				key := (worker + round) % len(computing)
				reply := make(chan string, 2)
				b.Serve(id, fmt.Appendf(nil, `[["lease","n","%d",{"waitMs":60000}]]`, key), func(result []byte) { reply <- string(result) })
				got := <-reply
				answered.Add(1)
				var lease string
				if _, err := fmt.Sscanf(got, `[{"lease":%q}]`, &lease); err != nil {
					continue
				}
				leased.Add(1)
				if n := computing[key].Add(1); n != 1 {
					t.Errorf("%d compute key %d", n, key)
				}
				computing[key].Add(-1)
				switch round % 4 {
				case 0:
					b.ask(id, fmt.Sprintf(`[["release","n","%d","%s"]]`, key, lease))
				case 1:
					b.Gone(id)
					generation++
				default:
					b.ask(id, fmt.Sprintf(`[["set","n","%d",1,{"lease":"%s"}],["delete","n","%d"]]`, key, lease, key))
				}
			}
		})
	}
	wg.Wait()
	if answered.Load() != 8*400 || leased.Load() < 100 {
		t.Errorf("%d answers, %d leases", answered.Load(), leased.Load())
	}
	if st := b.store.Stats().Namespaces[0]; st.Leases != 0 || st.Waiting != 0 {
		t.Errorf("left over: %+v", st)
	}
}
