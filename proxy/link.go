package proxy

import (
	"io"

	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// link is what the data path keeps with an upstream: its connections and its
// numbers, so that no request looks anything up by name.
type link struct {
	client  *exchange.Client
	metrics *metrics.Upstream
}

// Close is called by the pool when the upstream is removed.
func (l *link) Close() error { return l.client.Close() }

// linker makes the links of one pool's upstreams. It is made once per target,
// so that asking for a link allocates nothing.
type linker func(*pool.Upstream) io.Closer

func newLinker(s *Server, poolName string) linker {
	return func(u *pool.Upstream) io.Closer {
		return &link{
			client:  exchange.NewClient(u.Network, u.Address, exchange.Options{Buffers: &s.buffers, Check: s.checkFor(u)}),
			metrics: s.metrics.Upstream(poolName, u.Label),
		}
	}
}

// of returns the upstream's link, made on first use.
func (l linker) of(u *pool.Upstream) *link {
	return u.Attachment(l).(*link) // nothing else is ever attached
}
