package proxy

import (
	"time"

	"github.com/drover-proxy/drover/proxy/exchange"
)

// timedSource is an answer's body that notes who takes the time: the upstream,
// while it is asked for more, or the client, while it takes what there is. When
// timeouts.total ends the exchange, the slower one is at fault.
type timedSource struct {
	*exchange.Response
	since    time.Time // when the present turn began
	upstream time.Duration
	client   time.Duration
}

// clientSlower reports whether the client took more of the time so far.
func (t *timedSource) clientSlower() bool { return t.client > t.upstream }

// Read is a turn of the upstream's.
func (t *timedSource) Read(p []byte) (int, error) {
	t.turn(&t.client)
	defer t.turn(&t.upstream)
	return t.Response.Read(p)
}

// Fill is the same for what the kernel moves.
func (t *timedSource) Fill(p *exchange.Pipe) (int, error) {
	t.turn(&t.client)
	defer t.turn(&t.upstream)
	return t.Response.Fill(p)
}

// turn ends a turn of whose and begins the other's.
func (t *timedSource) turn(whose *time.Duration) {
	now := time.Now()
	*whose += now.Sub(t.since)
	t.since = now
}
