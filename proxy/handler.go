package proxy

import (
	"errors"
	"time"

	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// serve finds where the request belongs, sends it there, and answers.
func (k *call) serve() {
	m := k.m
	trusted := k.identify()
	if k.target = k.route(); k.target == nil {
		k.fail(failNoRoute)
		return
	}
	// A queue that is full is full of requests that were here before. What cannot
	// be served costs as little as can be: no cookie is verified, no head written,
	// nothing read of a body.
	if k.target.fallback == nil && k.target.pool.Full() {
		k.failInstead(failQueueFull)
		return
	}
	k.going.target = m.target
	if p := k.target.stripPrefix; p != "" {
		rest, ok := stripPathPrefix(m.target, p)
		if !ok {
			k.fail(failPath)
			return
		}
		if len(rest) == 0 || rest[0] != '/' {
			rest = append([]byte{'/'}, rest...)
		}
		k.going.target = rest
	}
	k.going.id, k.going.trusted, k.going.edit = k.id, trusted, k.target.request
	k.going.sticky = k.target.sticky
	if k.going.sticky != nil {
		k.stickTo(k.going.sticky)
	}
	k.head = k.going.appendHead(k.head[:0], m)
	k.prepare()
	k.entered = m.start
	if err := k.exchange(); err != nil {
		f := k.reasonFor(err)
		tried, again := k.fallBack(f)
		switch {
		case !tried:
			k.failInstead(f)
			return
		case again != nil:
			k.fail(k.reasonFor(again))
			return
		}
	}
	k.answer()
}

// identify settles who asks and what the request is called; it reports whether
// the peer's word is believed.
func (k *call) identify() (trusted bool) {
	m := k.m
	k.client = k.t.trust.client(m)
	trusted = len(k.t.trust) > 0 && k.t.trust.includes(m.peer)
	k.id = k.id[:0]
	if trusted {
		if id := m.first(nameRequestID); validRequestID(id) {
			k.id = append(k.id, id...)
		}
	}
	if len(k.id) == 0 {
		k.id = appendRequestID(k.id)
	}
	k.trace = traceID(m.first(nameTraceparent))
	return trusted
}

// route returns the target that takes the request, or nil.
func (k *call) route() *target {
	if len(k.t.router.routes) == 0 {
		return k.t.own
	}
	path := k.m.path
	if !isPlainPath(path) {
		k.path = appendNormalPath(k.path[:0], path)
		path = k.path
	}
	if r := k.t.router.find(k.m, path); r != nil {
		return r.target
	}
	return k.t.own
}

// prepare fills in what all attempts have in common.
func (k *call) prepare() {
	m, t := k.m, k.target
	k.pick.Tried = k.tried[:0]
	k.pick.Hash = t.hash.of(m, k.client)
	k.req = exchange.Request{
		Head: k.head, Method: methodName(m.method), Length: m.length, Expect: m.expect,
		Connect: t.connect, FirstByte: t.firstByte, ResponseIdle: t.responseIdle,
		Cancel: m.cancel, Informational: k.inform,
	}
	if m.body != nil {
		m.body.trailerBy(&k.going)
		k.req.Body = m.body
	}
	if m.upgrade != nil {
		k.req.Upgrade = string(m.upgrade)
	}
	if t.total > 0 {
		k.req.Deadline = m.start.Add(t.total)
	}
}

// reasonFor says what to answer after the last attempt failed.
func (k *call) reasonFor(err error) failure {
	switch exchange.KindOf(err) {
	case exchange.ClientBody:
		return bodyFailure(k.m.body.fault())
	case exchange.Canceled:
		if !k.m.link.gone() {
			return failDraining // nobody else cancels
		}
	case exchange.FirstByteTimeout, exchange.IdleTimeout:
		if k.clientDawdled() {
			return failBodyTimeout
		}
	}
	return statusFor(err)
}

// outcomeOf is outcomeOf for an attempt that got no answer: a client that takes
// all the time there is (timeouts.total) for its body is not held against the
// upstream.
func (k *call) outcomeOf(err error) pool.Result {
	o := outcomeOf(err)
	if o == pool.Timeout && k.clientDawdled() {
		return pool.Neutral
	}
	return o
}

func (k *call) clientDawdled() bool { return k.m.body != nil && k.m.body.waited() }

// fail answers by ourselves, if there is anybody to answer.
func (k *call) fail(f failure) {
	if f.status == statusClientClosed {
		k.record.Status, k.record.End = f.status, f.end
		return
	}
	json := wantsJSON(k.m)
	k.own = f.appendLines(k.own[:0], json)
	lines := len(k.own)
	k.own = f.appendBody(k.own, json, k.id)
	body := k.own[lines:]
	k.say(f, &answer{
		status: f.status, reason: []byte(reasonOf(f.status)), lines: k.own[:lines], id: k.id,
		length: int64(len(body)), bodyless: string(k.m.method) == "HEAD", last: f.ends(),
	}, body)
}

// say sends an answer of drover's own and notes why there is no other.
func (k *call) say(f failure, a *answer, body []byte) {
	r := &k.record
	r.Status, r.End = a.status, f.end
	if f.refused() {
		k.server.metrics.Rejected(f.end)
	}
	k.replied = true
	if err := k.out.reply(a, body); err != nil {
		if !k.m.link.ended() {
			r.Status, r.End = statusClientClosed, endClientClosed
		}
		return
	}
	if !a.bodyless {
		r.BytesOut = int64(len(body))
	}
}

// ends reports whether the connection ends with the answer: after a body that
// was not understood nobody knows where the next request begins.
func (f *failure) ends() bool {
	return f.status == 400 || f.status == 408 || f.status == 413 || f.status == 500 || f.end == endDraining
}

// answer passes the upstream's answer on.
func (k *call) answer() {
	resp, m, r := &k.resp, k.m, &k.record
	if resp.Status == 101 {
		k.tunnel()
		return
	}
	a := &k.says
	*a = answer{
		status: resp.Status, reason: resp.Reason, fields: resp.Fields, length: resp.Length, id: k.id, edit: k.target.response,
		bodyless: resp.Status == 204 || resp.Status == 304 || string(m.method) == "HEAD",
	}
	a.lines = k.ownLines()
	r.Status, r.End = resp.Status, endOK
	k.replied = true
	var err error
	if body, ok := k.whole(a); ok {
		if err = k.out.reply(a, body); err == nil {
			r.BytesOut = int64(len(body))
		}
	} else {
		r.BytesOut, err = k.out.relay(a, k.source())
	}
	k.finish(err)
}

// ownLines are the header lines that drover adds to an upstream's answer.
func (k *call) ownLines() []byte {
	s := k.target.sticky
	if s == nil {
		return nil
	}
	k.own = k.appendCookie(k.own[:0], s)
	return k.own
}

// source is the answer's body; where timeouts.total bounds the exchange, one
// that tells whose time was up.
func (k *call) source() source {
	if k.req.Deadline.IsZero() {
		return &k.resp
	}
	k.timed = timedSource{Response: &k.resp, since: time.Now()}
	return &k.timed
}

// whole returns the body when all of it is there already.
func (k *call) whole(a *answer) ([]byte, bool) {
	if a.bodyless || k.resp.Length == 0 {
		return nil, true
	}
	body, ok := k.resp.Whole()
	if !ok || len(k.resp.Trailer()) > 0 {
		return nil, false
	}
	a.length = int64(len(body))
	return body, true
}

// finish ends the exchange and says whose fault it was if it was cut short.
func (k *call) finish(err error) {
	r := &k.record
	out := pool.Outcome{Result: pool.Success, Status: r.Status, Latency: k.latency}
	if err != nil {
		k.interrupted(&out, err)
	}
	k.release(out)
}

// interrupted says why an answer was not passed on to its end.
func (k *call) interrupted(out *pool.Outcome, err error) {
	var src sourceError
	switch {
	case k.m.link.ended():
		out.Result, k.record.End = pool.Neutral, endDraining
	case errors.As(err, &src) && k.timed.clientSlower():
		out.Result, k.record.End = pool.Neutral, endClientTimeout
	case errors.As(err, &src):
		out.Result, k.record.End = outcomeOf(src.error), k.endOf(src.error)
	case isTimeout(err):
		out.Result, k.record.End = pool.Neutral, endClientTimeout
	default:
		out.Result, k.record.End = pool.Neutral, endClientClosed
	}
}

// endOf says why an answer that had begun did not end well.
func (k *call) endOf(err error) string {
	switch exchange.KindOf(err) {
	case exchange.Canceled:
		if !k.m.link.gone() {
			return endDraining
		}
		return endClientClosed
	case exchange.ClientBody:
		return bodyFailure(k.m.body.fault()).end
	case exchange.IdleTimeout, exchange.FirstByteTimeout:
		return endUpstreamTimeout
	case exchange.Invalid:
		return endUpstreamInvalid
	}
	return endTruncated
}
