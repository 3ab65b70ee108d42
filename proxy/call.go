package proxy

import (
	"time"

	"github.com/drover-proxy/drover/logs"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
	"github.com/drover-proxy/drover/strategy"
)

// call is one request on its way through the proxy, with the memory it needs;
// calls are reused.
type call struct {
	server *Server
	t      *table
	target *target
	m      *message
	out    responder

	client []byte // whom the request is from
	id     []byte
	trace  []byte
	path   []byte // buffer of the path's normal form
	own    []byte // buffer of an answer of drover's own: lines, then body
	head   []byte // what is sent upstream, the same in all attempts
	going  outgoing

	pick     strategy.Request
	tried    [8]*pool.Upstream
	stay     stay // where a sticky pool's client belongs
	lease    pool.Lease
	link     *link
	req      exchange.Request
	resp     exchange.Response
	says     answer // what is passed on of it
	timed    timedSource
	spent    int  // attempts that count against retry.attempts
	retrying bool // a place of the retry budget is held
	informed bool // the client has got an informational answer of an upstream
	inform   func(int, []exchange.Field)

	entered time.Time     // when the request came to its present target
	began   time.Time     // of the present attempt
	latency time.Duration // from there to the head of its answer
	ended   time.Time     // when the last attempt was over; zero: there was none
	replied bool          // an answer has begun
	record  logs.Record
}

func newCall(s *Server) *call {
	k := &call{server: s}
	k.inform = func(status int, fields []exchange.Field) {
		if k.out.inform(status, fields) {
			k.informed = true
		}
	}
	return k
}

// handle serves one request to its end, whatever happens.
func (s *Server) handle(t *table, m *message, out responder) {
	k, _ := s.calls.Get().(*call) // the pool holds nothing else
	k.t, k.m, k.out, k.target = t, m, out, nil
	defer k.end()
	k.serve()
}

// end runs last, also after a panic: it gives back what the request holds and
// writes down how it went.
func (k *call) end() {
	if p := recover(); p != nil {
		k.server.panicked("request "+string(k.id), p)
		k.abandon()
		return
	}
	k.lease.Release(pool.Outcome{Result: pool.Neutral}) // does nothing unless something was forgotten
	k.giveBack()
	k.note()
	k.clear()
	k.server.calls.Put(k)
}

// abandon ends a request that panicked. Nothing of the call is used again.
func (k *call) abandon() {
	k.m.cancel.Fire()
	_ = k.resp.Close() // stops an upload, if there is one
	k.lease.Release(pool.Outcome{Result: pool.Neutral})
	k.giveBack()
	if !k.replied {
		k.fail(failInternal)
	}
	k.record.End = endInternal
	k.note()
	k.out.abort()
}

func (k *call) giveBack() {
	if k.retrying {
		k.retrying = false
		k.target.budget.give()
	}
}

// clear forgets what must not outlive the request.
func (k *call) clear() {
	k.t, k.target, k.m, k.out, k.link = nil, nil, nil, nil, nil
	k.client, k.trace = nil, nil
	k.lease, k.record = pool.Lease{}, logs.Record{}
	k.pick, k.stay = strategy.Request{}, stay{}
	clear(k.tried[:])
	k.req, k.says, k.timed = exchange.Request{}, answer{}, timedSource{}
	k.replied, k.informed, k.ended, k.latency, k.spent = false, false, time.Time{}, 0, 0
}

// note writes the request down: log and numbers.
func (k *call) note() {
	r, m := &k.record, k.m
	if k.ended.IsZero() {
		k.ended = m.now()
	}
	m.ended = k.ended
	r.Duration = k.ended.Sub(m.start)
	if m.body != nil {
		r.BytesIn = m.body.received()
	}
	requests := k.t.unrouted
	if k.target != nil {
		requests = k.target.requests
		r.Pool = k.target.name
	}
	requests.Observe(methodName(m.method), r.Status, r.Duration, r.BytesIn, r.BytesOut)
	if log := k.server.access; log.Enabled() {
		r.Time, r.RequestID, r.TraceID, r.Client = m.start, k.id, k.trace, k.client
		r.Listener, r.Method, r.Host, r.Path, r.Proto = k.t.name, m.method, m.authority, m.path, m.proto
		log.Log(r)
	}
}

// methodName returns a registered method as a string without allocating.
func methodName(m []byte) string {
	switch string(m) {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "HEAD":
		return "HEAD"
	case "PUT":
		return "PUT"
	case "DELETE":
		return "DELETE"
	case "PATCH":
		return "PATCH"
	case "OPTIONS":
		return "OPTIONS"
	}
	return string(m)
}
