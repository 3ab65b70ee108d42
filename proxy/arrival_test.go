package proxy

import (
	"fmt"
	"slices"
	"strings"
)

// arrival is a request that came to the upstream, whole or as far as it came.
type arrival struct {
	meaning
	whole bool
}

// early reports whether it was answered before its body was there. The rest of
// that may be left out, and the client's connection may end.
func (a *arrival) early() bool { return earlyStatus(a.target) != 0 }

// inOrder are the requests that arrived. On its connection nothing is behind one
// that is not whole.
func inOrder(streams []stream) (arrived []arrival, fault string) {
	for _, s := range streams {
		for _, m := range s.requests {
			arrived = append(arrived, arrival{m, true})
		}
		switch {
		case s.partial != nil:
			arrived = append(arrived, arrival{*s.partial, false})
		case s.open:
			fault = fmt.Sprintf("a head broke off behind %+v", s.requests)
		}
	}
	return arrived, fault
}

// misread says what arrived and was not meant.
func (s *stream) misread(arrived []arrival) string {
	for i := range arrived {
		a, want := &arrived[i], s.after(i)
		switch {
		case want == nil || a.whole && i == len(s.requests), !a.carries(want):
			return fmt.Sprintf("arrived %+v, meant %+v", a, want)
		case !a.whole && !a.early() && i < len(arrived)-1:
			return fmt.Sprintf("a request follows %+v, which broke off", a)
		}
	}
	return ""
}

// unanswered says which request has not its answer: that of the upstream if it
// arrived whole, and one of drover's own, the last, if it was refused.
func (r *relayed) unanswered(meant *stream, arrived []arrival) string {
	asked := make([]meaning, len(arrived))
	for i := range arrived {
		asked[i] = arrived[i].meaning
	}
	back, fault := r.belonging(asked)
	if fault != "" {
		return fault
	}
	n := len(arrived)
	for i, status := range back.statuses {
		if back.echoes[i] != "" {
			continue
		}
		if i < len(back.statuses)-1 || i < n && arrived[i].whole || status < 400 || status >= 500 && status != 505 {
			return fmt.Sprintf("answered %v, but %d requests arrived", back.statuses, n)
		}
	}
	switch {
	case n > 0 && (!arrived[n-1].whole || arrived[n-1].early()):
	case len(back.statuses) < n:
		return fmt.Sprintf("answered %v, but %d requests arrived", back.statuses, n)
	case len(back.statuses) == n && n < len(meant.requests) && !meant.requests[n].bare: // drover waits for the end that it knows
		return fmt.Sprintf("the client was told nothing of request %d: %+v", n, meant.requests[n])
	}
	return ""
}

// local is whom a client of piecesConn speaks to.
const local = "192.0.2.1:80"

// differs returns the first request that the other reads otherwise, or -1.
func (s *stream) differs(o *stream) int {
	for i := range min(len(s.requests), len(o.requests)) {
		a, b := s.requests[i].onward(local), o.requests[i].onward(local)
		if !a.equal(&b) {
			return i
		}
	}
	return -1
}

// after is the request behind the first n, complete or not.
func (s *stream) after(n int) *meaning {
	if n < len(s.requests) {
		return &s.requests[n]
	}
	return s.partial
}

// carries reports whether what arrived is w when that is sent on: the same words,
// of the body perhaps the beginning only, and the same fields, no others but
// drover's own. Of a trailer a proxy may leave out what it likes.
func (a *arrival) carries(w *meaning) bool {
	want := w.onward(local)
	if !a.whole && strings.HasPrefix(want.body, a.body) {
		want.body = a.body
	}
	if !a.says(&want) || !slices.Equal(those(a.fields, fieldLine.ordinary), want.fields) {
		return false
	}
	for _, f := range a.fields {
		switch f {
		case fieldLine{"connection", "TE"}, fieldLine{"te", "trailers"}, fieldLine{"connection", "Upgrade"}, fieldLine{"expect", "100-continue"},
			fieldLine{"x-forwarded-for", "192.0.2.7"}, fieldLine{"x-forwarded-proto", "http"}, fieldLine{"x-forwarded-host", want.host}:
			continue
		}
		switch f.name {
		case "host", "content-length", "transfer-encoding": // the words have them
		case "x-request-id", "upgrade":
		default:
			if !f.ordinary() {
				return false
			}
		}
	}
	rest := want.trailer
	for _, f := range a.trailer {
		i := slices.Index(rest, f)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}
