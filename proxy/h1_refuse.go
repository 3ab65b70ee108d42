package proxy

import "time"

// refuse answers a request that is not taken, and writes it down.
func (h *h1) refuse(r *refusal) {
	if r.status == 0 {
		return // the client left in the middle of its request's head
	}
	k, _ := h.server.calls.Get().(*call) // the pool holds nothing else
	h.m.body = nil
	h.http11, h.keep = true, false // whatever was asked, the answer is plain and the last
	k.t, k.m, k.out, k.target = h.t, &h.m, h, nil
	k.client = h.m.peerText
	k.id = appendRequestID(k.id[:0])
	f := failure{r.status, r.end, "http_request_denied", r.message}
	k.fail(f)
	k.ended = time.Now()
	k.note()
	k.clear()
	h.server.calls.Put(k)
	h.linger()
}

// abort ends the connection after drover failed. What the failure has left in
// h nobody knows, so it is not used again.
func (h *h1) abort() { h.close, h.broken = true, true }
