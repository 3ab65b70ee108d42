package cache

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// queue is what the hub keeps for a worker.
type queue struct {
	mu     sync.Mutex
	frames []string
	full   bool
}

// queues is a Pusher with a queue for each worker.
type queues struct {
	mu sync.Mutex
	of map[string]*queue
}

func (q *queues) worker(id string) *queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.of == nil {
		q.of = make(map[string]*queue)
	}
	if q.of[id] == nil {
		q.of[id] = new(queue)
	}
	return q.of[id]
}

func (q *queues) Push(worker string, frame []byte) bool {
	return q.worker(worker).push(string(frame))
}

func (q *queue) push(frame string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.full {
		q.frames = append(q.frames, frame)
	}
	return !q.full
}

// taken returns what came since the last call.
func (q *queue) taken() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	frames := q.frames
	q.frames = nil
	return frames
}

func (q *queue) setFull(full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.full = full
}

// bench is a service under test.
type bench struct {
	*Service
	t      testing.TB
	queues queues
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t}
	b.Service = NewService(smallStore(t), &b.queues)
	return b
}

// ask runs one frame that waits for nothing and returns the results.
func (b *bench) ask(worker, ops string) string {
	b.t.Helper()
	replies := 0
	var got string
	b.Serve(worker, []byte(ops), func(result []byte) { replies, got = replies+1, string(result) })
	if replies != 1 || !json.Valid([]byte(got)) {
		b.t.Errorf("%s: %d replies, the last %s", ops, replies, got)
	}
	return got
}

// f checks the results of one frame.
func (b *bench) f(ops, want string) {
	b.t.Helper()
	if got := b.ask("app-1.1", ops); got != want {
		b.t.Errorf("%s\n got %s\nwant %s", ops, got, want)
	}
}

// fails checks that an operation fails with a code, and that the next one is done.
func (b *bench) fails(op, code string) {
	b.t.Helper()
	got := b.ask("app-1.1", "["+op+`,["get","n","nothing"]]`)
	if !strings.HasPrefix(got, `[{"error":{"code":"`+code+`","message":"`) || !strings.HasSuffix(got, `"}},null]`) {
		b.t.Errorf("%s: %s; want an error with the code %s, and the next operation done", op, got, code)
	}
}

func TestService_AnswersTheExampleOfTheProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.f(`[["set","users","7",{"name":"Ada"},{"ttlMs":60000,"tags":["team:1"]}],["get","users","7"],["get","users","8"]]`,
			`[true,[{"name":"Ada"},60000],null]`)
	})
}

func TestService_RunsEachOperation(t *testing.T) {
	b := newBench(t)
	b.f(`[]`, `[]`)
	b.f(`[["set","n","a",1],["set","n","b",{"x":[1,"]"]}],["get","n","a"],["getMany","n",["a","c","b"]],["getMany","n",[]]]`,
		`[true,true,[1],[[1],null,[{"x":[1,"]"]}]],[]]`)
	b.f(`[["add","n","a",2],["add","n","c",null],["get","n","c"],["get","n","a"]]`, `[false,true,[null],[1]]`)
	b.f(`[["delete","n","a"],["delete","n","a"],["delete","none","a"]]`, `[true,false,false]`)
	b.f(`[["increment","n","i",1],["increment","n","i",2.5],["get","n","i"]]`, `[1,3.5,[3.5]]`)
	b.f(`[["set","n","p:1",1,{"tags":["t"]}],["set","n","p:2",1,{"tags":["t","u"]}],["invalidateTag","n","u"],["invalidatePrefix","n","p:"],["invalidateTag","n","t"],["invalidateTag","none","t"],["invalidatePrefix","none",""]]`,
		`[true,true,1,1,0,0,0]`)
	b.f(`[["set","n","forever",1,{"ttlMs":0}],["get","n","forever"]]`, `[true,[1]]`)
	b.f(" [ [ \"set\" , \"n\" , \"spaces\" , { \"a\" : \"b \" } , { \"ttlMs\" : 0 , \"tags\" : [ ] } ] , [ \"get\" , \"n\" , \"spaces\" ] ] ", `[true,[{ "a" : "b " }]]`)
	b.f(`[["set","n","quo\"te\u00e9\n",1],["get","n","quo\u0022te\u00e9\u000a"],["getMany","n",["quo\"teé\n"]]]`, `[true,[1],[[1]]]`)
	b.f(`[["near","n",true],["near","n",true],["near","n",false],["near","n",false]]`, `[true,true,true,true]`)
	var st []Stats
	if err := json.Unmarshal([]byte(b.ask("app-1.1", `[["stats"]]`)), &st); err != nil || len(st) != 1 || st[0].MaxBytes != 1<<20 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestService_RefusesWhatItCannotRead(t *testing.T) {
	b := newBench(t)
	f := func(op string) { t.Helper(); b.fails(op, CodeBadOperation) }
	f(`[]`)
	f(`1`)
	f(`{}`)
	f(`["nothing","n","k"]`)
	f(`[["get","n","k"]]`)
	f(`["get"]`)
	f(`["get","n"]`)
	f(`["get","n","k","more"]`)
	f(`["get","n",1]`)
	f(`["get","n",null]`)
	f(`["get","n",""]`)
	f(`["get","","k"]`)
	f(`["get","n n","k"]`)
	f(`["get","n","` + strings.Repeat("k", MaxKey+1) + `"]`)
	f(`["getMany","n","k"]`)
	f(`["getMany","n",["k",1]]`)
	f(`["getMany","n",["k",""]]`)
	f(`["getMany","n",["k"],1]`)
	f(`["set","n","k"]`)
	f(`["set","n","k",1,2]`)
	f(`["set","n","k",1,{"ttlMs":"1"}]`)
	f(`["set","n","k",1,{"ttlMs":-1}]`)
	f(`["set","n","k",1,{"ttlMs":1e15}]`)
	f(`["set","n","k",1,{"ttlMs":1,"ttlMs":1}]`)
	f(`["set","n","k",1,{"unknown":1}]`)
	f(`["set","n","k",1,{"tags":"t"}]`)
	f(`["set","n","k",1,{"tags":[1]}]`)
	f(`["set","n","k",1,{"tags":[""]}]`)
	f(`["set","n","k",1,{"tags":["` + strings.Repeat(`","`, MaxTags) + `"]}]`)
	f(`["set","n","k",1,{"lease":17}]`)
	f(`["set","n","k",1,{"lease":"x"}]`)
	f(`["set","n","k",1,{},{}]`)
	f(`["add","n","k",1,{"lease":"17"}]`)
	f(`["increment","n","k",1,{"lease":"17"}]`)
	f(`["invalidateTag","n"]`)
	f(`["invalidateTag","n",1]`)
	f(`["invalidatePrefix","n",["k"]]`)
	f(`["lease","n","k",{"leaseMs":0}]`)
	f(`["lease","n","k",{"leaseMs":3600001}]`)
	f(`["lease","n","k",{"waitMs":-1}]`)
	f(`["lease","n","k",{"ttlMs":1}]`)
	f(`["release","n","k"]`)
	f(`["near","n"]`)
	f(`["near","n",1]`)
	f(`["near","n","true"]`)
	f(`["stats",1]`)
	b.fails(`["increment","n","k","1"]`, CodeNotANumber)
	b.fails(`["set","n","k","`+strings.Repeat("x", 64<<10)+`"]`, CodeTooLarge)
	b.fails(`["set","n","k",1,{"lease":"17"}]`, CodeLeaseLost)
	b.fails(`["release","n","k","17"]`, CodeLeaseLost)
	b.fails(`["release","none","k","17"]`, CodeLeaseLost)
	b.f(`[["get","n","k"]]`, `[null]`)
	if got := b.ask("app-1.1", `{"get":1}`); !strings.HasPrefix(got, `[{"error":{"code":"bad-operation"`) {
		t.Errorf("ops that are no list: %s", got)
	}
}

func TestService_BoundsTheNamespaces(t *testing.T) {
	b := newBench(t)
	b.f(`[["delete","other","k"],["invalidateTag","other2","k"],["release","n","k","1"]]`, b.ask("app-1.1", `[["delete","other","k"],["invalidateTag","other2","k"],["release","n","k","1"]]`))
	for i := range MaxNamespaces {
		b.f(fmt.Sprintf(`[["get","n%d","k"]]`, i), `[null]`)
	}
	got := b.ask("app-1.1", `[["get","one-more","k"],["get","n1","k"]]`)
	if !strings.HasPrefix(got, `[{"error":{"code":"too-many-namespaces"`) || !strings.HasSuffix(got, "null]") {
		t.Errorf("one namespace more: %s", got)
	}
}

func TestService_BoundsOneFrame(t *testing.T) {
	b := newBench(t)
	count := func(frame []byte) (results []json.RawMessage) {
		t.Helper()
		if err := json.Unmarshal([]byte(b.ask("app-1.1", string(frame))), &results); err != nil {
			t.Fatal(err)
		}
		return results
	}
	f := func(frame []byte, results int, last string) {
		t.Helper()
		got := count(frame)
		if len(got) != results || !strings.Contains(string(got[len(got)-1]), last) {
			t.Errorf("%d results, the last %s; want %d, %s", len(got), got[len(got)-1], results, last)
		}
	}
	get := func(int) string { return `["get","n","k"]` }
	f(frameOf(maxOperations, get), maxOperations, "null")
	f(frameOf(maxOperations+1, get), maxOperations+1, CodeTooLarge)
	f(frameOf(maxOperations+1000, get), maxOperations+1, CodeTooLarge)
	f(frameOf(maxOperations+1000, func(int) string { return "1" }), maxOperations+1, CodeTooLarge)
	f([]byte(`[["getMany","n",["k"`+strings.Repeat(`,"k"`, maxOperations)+`]],["get","n","k"]]`), 1, CodeTooLarge)
	f(frameOf(101, func(int) string { return `["stats"]` }), 100, CodeTooLarge)

	b.f(`[["set","n","large","`+strings.Repeat("x", 60_000)+`"]]`, `[true]`)
	got := b.ask("app-1.1", string(frameOf(1000, func(int) string { return `["get","n","large"]` })))
	if len(got) > maxResults+200_000 || !strings.Contains(got, CodeTooLarge) {
		t.Errorf("the results of one frame have %d bytes", len(got))
	}
	got = b.ask("app-1.1", `[["getMany","n",["large"`+strings.Repeat(`,"large"`, 999)+`]],["get","n","small"]]`)
	if !strings.HasPrefix(got, `[{"error":{"code":"too-large"`) || !strings.HasSuffix(got, `,null]`) {
		t.Errorf("too much for one getMany: %.100s", got)
	}
}

func TestService_ServesTheSameWorkerAtOnce(t *testing.T) {
	b := newBench(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			key := fmt.Sprint("k", i)
			for n := range 500 {
				want := fmt.Sprintf(`[true,[%d]]`, n)
				if got := b.ask("app-1.1", fmt.Sprintf(`[["set","n","%s",%d],["get","n","%s"]]`, key, n, key)); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestService_GetAllocatesNothing(t *testing.T) {
	b := newBench(t)
	b.f(`[["set","n","k",1,{"ttlMs":60000}]]`, `[true]`)
	frame := []byte(`[["get","n","k"],["getMany","n",["k","x"]]]`)
	reply := func([]byte) {}
	if n := testing.AllocsPerRun(1000, func() { b.Serve("app-1.1", frame, reply) }); n >= 1 && !raceDetector {
		t.Errorf("a frame of reads allocates %v times", n)
	}
}

func FuzzService_Serve(f *testing.F) {
	for _, seed := range []string{
		`[["set","users","7",{"name":"Ada"},{"ttlMs":60000,"tags":["team:1"]}],["get","users","7"],["get","users","8"]]`,
		`[["getMany","n",["a","b"]],["add","n","k",[1,{"a":"]"}],{"lease":"1"}],["increment","n","k",-1.5e3]]`,
		`[["lease","n","k",{"leaseMs":30000,"waitMs":0}],["set","n","k",1,{"lease":"1"}],["release","n","k","1"]]`,
		`[["invalidateTag","n","t"],["invalidatePrefix","n",""],["near","n",true],["delete","n","k"],["stats"]]`,
		`[["get","n","\ud800"],["get","n","\u0000"]]`, `[`, `]`, `[[`, `[["`, `[["get`, `[["set","n","k",{"a":["\`, `[["get","n","k"`, ` [ ] `, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		store := newTestStore(t, Options{MaxBytes: 1 << 20, MaxEntryBytes: 64 << 10})
		service := NewService(store, nowhere{})
		replies := 0
		var got []byte
		service.Serve("app-1.1", ops, func(result []byte) { replies++; got = append([]byte(nil), result...) })
		service.Gone("app-1.1")
		if replies != 1 {
			t.Fatalf("%d replies", replies)
		}
		var in, out []json.RawMessage
		if err := json.Unmarshal(ops, &in); err != nil || in == nil {
			return // the hub has refused it; it only has to be survived
		}
		if err := json.Unmarshal(got, &out); err != nil || len(out) != len(in) && len(in) <= maxOperations {
			t.Fatalf("%d results for %d operations: %s (%v)", len(out), len(in), got, err)
		}
	})
}
