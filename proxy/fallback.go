package proxy

import (
	"net/http"
	"time"

	"github.com/drover-proxy/drover/config"
)

// instead is the answer that a pool's requests get when nobody can take them.
type instead struct {
	status   int
	reason   []byte
	line     []byte // Content-Type: value CR LF
	body     []byte
	bodyless bool
}

// newInstead compiles a fallback's answer; nil when it has none.
func newInstead(f config.Fallback) *instead {
	if f.Status == 0 {
		return nil
	}
	i := &instead{
		status: f.Status, reason: []byte(http.StatusText(f.Status)), body: []byte(f.Body),
		bodyless: f.Status == 204 || f.Status == 304,
	}
	if len(i.body) > 0 {
		i.line = []byte("Content-Type: " + f.ContentType + "\r\n")
	}
	return i
}

// nobodyTookIt reports whether a request failed for want of an upstream, so
// that a fallback may have it: no upstream can have acted on it.
func (f *failure) nobodyTookIt() bool {
	switch f.end {
	case endNoUpstream, endBreakerOpen, endQueueFull, endQueueTimeout, endConnectFailed:
		return true
	}
	return false
}

// fallBack sends a request that failed with f to the other pool, if there is
// one, and reports whether its outcome, which it returns, is what counts now.
func (k *call) fallBack(f failure) (tried bool, err error) {
	to := k.target.fallback
	if to == nil || !f.nobodyTookIt() || k.m.cancel.Fired() || k.late() {
		return false, nil
	}
	if k.m.body != nil && !k.m.body.rewind() {
		return false, nil
	}
	k.server.metrics.Fallback(k.target.name, f.end)
	k.giveBack()
	k.target = to
	k.prepare()
	k.entered, k.spent = time.Now(), 0
	return true, k.exchange()
}

// late reports whether the time for the whole exchange is up.
func (k *call) late() bool {
	d := k.req.Deadline
	return !d.IsZero() && !time.Now().Before(d)
}

// failInstead is fail with the pool's own answer, where it has one for f.
func (k *call) failInstead(f failure) {
	i := k.target.instead
	if i == nil || !f.nobodyTookIt() {
		k.fail(f)
		return
	}
	k.server.metrics.Fallback(k.target.name, f.end)
	k.own = f.appendCommon(append(k.own[:0], i.line...), i.status)
	k.say(f, &answer{
		status: i.status, reason: i.reason, lines: k.own, id: k.id,
		length: int64(len(i.body)), bodyless: i.bodyless || string(k.m.method) == "HEAD",
	}, i.body)
}
