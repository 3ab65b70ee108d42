package drover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCache_EachOperationIsAsTheProtocolHasIt(t *testing.T) {
	f := newFake(t)
	k := f.Cache().Namespace("n")
	id := 1
	op := func(want, result string, call func(ctx context.Context) (any, error), value any, fails error) {
		t.Helper()
		id++
		got, err := exchange(f, fmt.Sprintf(`{"drover":"cache","id":%d,"ops":[%s]}`, id, want),
			fmt.Sprintf(`{"drover":"reply","id":%d,"data":[%s]}`, id, result), call)
		if fails != nil {
			if !errors.Is(err, fails) {
				t.Errorf("%s: error is %v, want %v", want, err, fails)
			}
			return
		}
		if err != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("%s: got %v, %v, want %v", want, got, err, value)
		}
	}
	get := func(ctx context.Context) (any, error) {
		v, ok, err := Get[string](ctx, k, "k")
		return fmt.Sprintf("%s %v", v, ok), err
	}
	op(`["get","n","k"]`, `["v"]`, get, "v true", nil)
	op(`["get","n","k"]`, `["v",1500.5]`, get, "v true", nil)
	op(`["get","n","k"]`, `null`, get, " false", nil)
	op(`["get","n","k"]`, `{"error":{"code":"bad-operation","message":"x"}}`, get, nil, &Error{Code: "bad-operation"})
	op(`["get","n","k"]`, `[1]`, func(ctx context.Context) (any, error) {
		_, _, err := Get[string](ctx, k, "k")
		if typeError := (*json.UnmarshalTypeError)(nil); !errors.As(err, &typeError) {
			t.Errorf("error is %v", err)
		}
		return nil, nil
	}, nil, nil)
	op(`["getMany","n",["a","b","c"]]`, `[["x"],null,[{"y":1},5]]`, func(ctx context.Context) (any, error) {
		return k.GetMany(ctx, "a", "b", "c")
	}, map[string]json.RawMessage{"a": []byte(`"x"`), "c": []byte(`{"y":1}`)}, nil)
	op(`["set","n","k\"<é","v<"]`, `true`, func(ctx context.Context) (any, error) { return nil, k.Set(ctx, `k"<é`, "v<") }, nil, nil)
	op(`["set","n","k",1,{"ttlMs":0}]`, `true`, func(ctx context.Context) (any, error) { return nil, k.Set(ctx, "k", 1, TTL(0)) }, nil, nil)
	op(`["set","n","k",1,{"ttlMs":1}]`, `true`, func(ctx context.Context) (any, error) { return nil, k.Set(ctx, "k", 1, TTL(1)) }, nil, nil)
	op(`["set","n","k",1,{"tags":["a","b"]}]`, `{"error":{"code":"too-large","message":"x"}}`, func(ctx context.Context) (any, error) {
		return nil, k.Set(ctx, "k", 1, Tags("a"), Tags("b"))
	}, nil, ErrTooLarge)
	op(`["add","n","k",null]`, `false`, func(ctx context.Context) (any, error) { return k.Add(ctx, "k", nil) }, false, nil)
	op(`["delete","n","k"]`, `true`, func(ctx context.Context) (any, error) { return k.Delete(ctx, "k") }, true, nil)
	op(`["increment","n","k",-2,{"ttlMs":1000}]`, `40`, func(ctx context.Context) (any, error) { return k.Increment(ctx, "k", -2, TTL(time.Second)) }, int64(40), nil)
	op(`["invalidateTag","n","team:1"]`, `3`, func(ctx context.Context) (any, error) { return k.InvalidateTag(ctx, "team:1") }, 3, nil)
	op(`["invalidatePrefix","n","a/"]`, `0`, func(ctx context.Context) (any, error) { return k.InvalidatePrefix(ctx, "a/") }, 0, nil)
	op(`["near","n",true]`, `true`, func(ctx context.Context) (any, error) { return nil, k.Near(ctx, true) }, nil, nil)
	op(`["near","n",false]`, `true`, func(ctx context.Context) (any, error) { return nil, k.Near(ctx, false) }, nil, nil)
	op(`["stats"]`, `{"enabled":true,"bytes":5,"namespaces":[{"name":"n","loads":3}]}`, func(ctx context.Context) (any, error) { return k.Stats(ctx) },
		CacheStats{Bytes: 5, Namespaces: []NamespaceStats{{Name: "n", Loads: 3}}}, nil)
	op(`["get","default","k"]`, `null`, func(ctx context.Context) (any, error) { return f.Cache().Get(ctx, "k", nil) }, false, nil)
}

func TestCache_AFailedFrameFailsEachOfItsOperations(t *testing.T) {
	f := newFake(t)
	for i, answer := range []string{`"error":{"code":"cache-off","message":"x"}`, `"data":[1,2]`, `"data":{}`} {
		_, err := exchange(f, fmt.Sprintf(`{"drover":"cache","id":%d,"ops":[["get","default","k"]]}`, i+2), fmt.Sprintf(`{"drover":"reply","id":%d,%s}`, i+2, answer),
			func(ctx context.Context) (bool, error) { return f.Cache().Get(ctx, "k", new(int)) })
		if err == nil || i == 0 && !errors.Is(err, ErrCacheOff) {
			t.Errorf("after %s the error is %v", answer, err)
		}
	}
}

// What many goroutines ask at the same time goes out in few frames, each answer to its asker.
func TestCache_OperationsAtTheSameTimeShareFrames(t *testing.T) {
	f := newFake(t)
	const askers = 2000
	frames := make(chan int, 1)
	go func() {
		n, ops := 0, 0
		for ; ops < askers; n++ {
			line, err := f.in.ReadString('\n')
			if err != nil {
				t.Error(err)
				break
			}
			var frame struct {
				ID  int        `json:"id"`
				Ops [][]string `json:"ops"`
			}
			if err := json.Unmarshal([]byte(line), &frame); err != nil || len(frame.Ops) > maxOpsLength {
				t.Errorf("%d operations, %v", len(frame.Ops), err)
			}
			var results []any
			for _, op := range frame.Ops {
				results = append(results, []string{"value of " + op[2]})
			}
			ops += len(frame.Ops)
			raw, _ := json.Marshal(results) // texts
			f.send(fmt.Sprintf(`{"drover":"reply","id":%d,"data":%s}`, frame.ID, raw))
		}
		frames <- n
	}()
	var all sync.WaitGroup
	for i := range askers {
		all.Go(func() {
			key := fmt.Sprint(i)
			got, ok, err := Get[string](t.Context(), f.Cache(), key)
			if err != nil || !ok || got != "value of "+key {
				t.Errorf("got %q, %v, %v", got, ok, err)
			}
		})
	}
	all.Wait()
	if n := receive(t, frames); n > askers/2 {
		t.Errorf("%d operations took %d frames", askers, n)
	}
}

func TestOutbox_AWaitingOperationHasAFrameOfItsOwn(t *testing.T) {
	o := newOutbox(newCalls())
	done := func(json.RawMessage, error) {}
	for _, op := range []string{"[1]", "[2]", "[w]", "[3]", "[w]", "[w]"} {
		if err := o.putOp(&cacheOp{text: line(op), waits: op == "[w]", done: done}); err != nil {
			t.Fatal(err)
		}
	}
	o.acknowledge(4)
	o.acknowledge(5)
	o.refuse(6, &Error{"refused", "x"})
	o.acknowledge(7)
	o.acknowledge(9)
	got, _ := o.take(nil)
	want := `{"drover":"nack","seq":6,"error":{"code":"refused","message":"x"}}
{"drover":"cache","id":1,"ops":[[1],[2]]}
{"drover":"cache","id":2,"ops":[[w]]}
{"drover":"cache","id":3,"ops":[[3]]}
{"drover":"cache","id":4,"ops":[[w]]}
{"drover":"cache","id":5,"ops":[[w]]}
{"drover":"ack","seq":9}
`
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNear_ReadsItsCopyUntilItIsDropped(t *testing.T) {
	f := newFake(t)
	k := f.Cache().Namespace("users")
	get := func(ctx context.Context) (string, error) {
		v, _, err := Get[string](ctx, k, "7")
		return v, err
	}
	id := 1
	ask := func(op, result string, call func(context.Context) (string, error), want string) {
		t.Helper()
		id++
		got, err := exchange(f, fmt.Sprintf(`{"drover":"cache","id":%d,"ops":[%s]}`, id, op), fmt.Sprintf(`{"drover":"reply","id":%d,"data":[%s]}`, id, result), call)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", op, got, err, want)
		}
	}
	copied := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience) // drover does not answer
		defer cancel()
		if got, err := get(ctx); err != nil || got != want {
			t.Errorf("the copy is %q, %v, want %q", got, err, want)
		}
	}
	// dropped sends what drops copies and returns once it was read.
	dropped := func(line string) {
		t.Helper()
		f.send(inProtocol(t, line))
		f.send(`{"drover":"ping","id":1}`)
		f.next()
	}
	ask(`["near","users",true]`, `true`, func(ctx context.Context) (string, error) { return "", k.Near(ctx, true) }, "")
	ask(`["get","users","7"]`, `["a"]`, get, "a")
	copied("a")
	if many, err := k.GetMany(t.Context(), "7"); err != nil || string(many["7"]) != `"a"` {
		t.Errorf("got %s, %v", many, err)
	}
	dropped(`{"drover":"drop","namespace":"users","keys":["7"]}`)
	ask(`["get","users","7"]`, `["b"]`, get, "b")
	copied("b")
	dropped(`{"drover":"drop","namespace":"users","all":true}`)
	ask(`["get","users","7"]`, `["c"]`, get, "c")
	ask(`["set","users","7","d"]`, `true`, func(ctx context.Context) (string, error) { return "", k.Set(ctx, "7", "d") }, "")
	// A drop between a question and its answer: the answer is not kept.
	ask(`["get","users","7"]`, "null", get, "")
	old := make(chan string, 1)
	go func() {
		v, _ := get(t.Context()) // "" after an error
		old <- v
	}()
	f.next()
	id++
	f.send(`{"drover":"drop","namespace":"users","keys":["7"]}`)
	f.send(fmt.Sprintf(`{"drover":"reply","id":%d,"data":[["old"]]}`, id))
	if got := receive(t, old); got != "old" {
		t.Errorf("got %q", got)
	}
	ask(`["get","users","7"]`, `["new"]`, get, "new")
	copied("new")
	ask(`["invalidatePrefix","users",""]`, `1`, func(ctx context.Context) (string, error) {
		_, err := k.InvalidatePrefix(ctx, "")
		return "", err
	}, "")
	ask(`["getMany","users",["7","8"]]`, `[["e"],null]`, func(ctx context.Context) (string, error) {
		many, err := k.GetMany(ctx, "7", "8")
		return string(many["7"]), err
	}, `"e"`)
	copied("e")
	ask(`["near","users",false]`, `true`, func(ctx context.Context) (string, error) { return "", k.Near(ctx, false) }, "")
	ask(`["get","users","7"]`, `["f"]`, get, "f")
	ask(`["get","users","7"]`, `["g"]`, get, "g")
}

func TestNear_CopiesExpireAndAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNearCopies()
		n.open("s")
		s := n.of("s")
		s.end(s.begin("k"), hit{ok: true, value: []byte("1"), ttl: time.Second})
		time.Sleep(time.Second - 1)
		if _, ok := s.get("k"); !ok {
			t.Error("the copy has expired too early")
		}
		time.Sleep(time.Nanosecond)
		if _, ok := s.get("k"); ok {
			t.Error("the copy has not expired")
		}
		for i := range maxNear + 100 {
			s.end(s.begin(fmt.Sprint(i)), hit{ok: true, value: []byte("1")})
		}
		if len(s.copies) != maxNear || len(s.fetches) != 0 {
			t.Errorf("%d copies, %d fetches", len(s.copies), len(s.fetches))
		}
	})
}
