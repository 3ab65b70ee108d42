package ipc

import "testing"

func TestRuntime_IsKeptAndMakesNoReceiver(t *testing.T) {
	s := newSite(t, Options{Load: func(string, string) (int64, bool) { return 0, false }})
	a, b := s.worker("app-1.1", false), s.worker("app-2.1", true)
	if _, ok := s.hub.Runtime("app-1.1"); ok {
		t.Error("known before it was said")
	}
	a.say(`{"drover":"runtime","id":1,"loopDelayMs":0.4,"heapBytes":1000,"heapLimitBytes":2000}`)
	a.expect(`{"drover":"reply","id":1,"data":{}}`)
	if r, ok := s.hub.Runtime("app-1"); !ok || r.LoopDelayMS != 0.4 || r.HeapBytes != 1000 || r.HeapLimitBytes != 2000 || r.At.IsZero() {
		t.Errorf("runtime %+v, %v", r, ok)
	}
	b.say(`{"drover":"send","id":2,"worker":"app-1","type":"a"}`)
	b.expectBegin(`{"drover":"reply","id":2,"error":{"code":"no-target"`)

	for _, bad := range []string{
		`"loopDelayMs":0.4`, `"heapBytes":-1`, `"heapBytes":1.5`, `"heapBytes":"1"`, `"heapBytes":9007199254740992`, `"heapBytes":1,"heapLimitBytes":-1`,
		`"heapBytes":1,"loopDelayMs":-1`, `"heapBytes":1,"loopDelayMs":1e9`, `"heapBytes":1,"loopDelayMs":1e999`, `"heapBytes":1,"loopDelayMs":"1"`, `"heapBytes":1,"checks":[]`,
	} {
		a.say(`{"drover":"runtime","id":3,%s}`, bad)
		a.expectBegin(`{"drover":"reply","id":3,"error":{"code":"bad-frame"`)
	}
	if r, _ := s.hub.Runtime("app-1.1"); r.HeapBytes != 1000 {
		t.Errorf("runtime %+v after what was refused", r)
	}
	a.say(`{"drover":"runtime","heapBytes":5}`)
	a.quiet()
	if r, _ := s.hub.Runtime("app-1.1"); r.HeapBytes != 5 || r.LoopDelayMS != 0 || r.HeapLimitBytes != 0 {
		t.Errorf("runtime %+v", r)
	}
	if _, ok := s.hub.Runtime("app-9"); ok {
		t.Error("of a worker that there is not")
	}
}

func TestEndpoint_CollectIsAFrameThatRuntimesKeepFromApplications(t *testing.T) {
	s := newSite(t, Options{})
	a := s.worker("app-1.1", false)
	a.e.Collect()
	a.expect(`{"drover":"gc","cmd":"NODE_DROVER_GC"}`)
}
