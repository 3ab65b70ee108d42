package exchange

import (
	"net"
	"time"
)

// Options of a Client. The zero value is right for a local worker.
type Options struct {
	// Idle is how long an unused connection is kept at first (default 4 s,
	// because Node.js closes after 5 s). What the upstream says in Keep-Alive,
	// or is seen to do, changes it.
	Idle time.Duration
	// MaxIdle is the most unused connections kept (default 512).
	MaxIdle int
	// Check is asked about each new connection before anything is sent; its error
	// ends the connection. nil: any is good.
	Check func(net.Conn) error
	// Buffers are shared by all clients that are given the same; nil: own.
	Buffers *Buffers
}

// Client holds the connections to one upstream. It is safe for concurrent use.
type Client struct {
	network, address string
	tcpKeepAlive     time.Duration
	check            func(net.Conn) error
	buffers          *Buffers
	idle             idleStack[*conn]
}

// NewClient makes a client of the upstream at address; network is "tcp" or
// "unix". It connects when the first request comes.
func NewClient(network, address string, o Options) *Client {
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = 512
	}
	if o.Buffers == nil {
		o.Buffers = new(Buffers)
	}
	c := &Client{network: network, address: address, buffers: o.Buffers, check: o.Check,
		tcpKeepAlive: KeepAliveFor(network, address)}
	c.idle.clock = clock{time.Now()}
	c.idle.max = o.MaxIdle
	c.idle.keep.limit.Store(int64(o.Idle))
	return c
}

// Do sends req and returns when the head of the final response, or of a 101
// that was asked for, is there. A body that is not in memory goes up in the
// background meanwhile, and may still do so after Do returned.
//
// resp must be zero or closed. When Do succeeds the caller must Close it; an
// error is always an *Error and leaves nothing to close.
//
// An idle connection that the upstream has closed is noticed before anything
// is written on it, and another one is taken; that is no failure. Nothing is
// ever sent twice.
func (c *Client) Do(req *Request, resp *Response) error {
	now := c.idle.of(req.Now)
	if now == 0 {
		now = c.idle.now()
	}
	for req.Upgrade == "" {
		cn, ok := c.idle.pop(now)
		if !ok {
			break
		}
		err := resp.run(c, cn, req, now, looking)
		switch err {
		case errStale: //nolint:errorlint // bare
			c.idle.keep.dropped(now - cn.since)
		case errTalking:
		default:
			return err
		}
	}
	cn, err := c.dial(req)
	if err != nil {
		return err
	}
	return resp.run(c, cn, req, c.idle.now(), opening)
}

// Close closes the connections that are not in use. Exchanges under way, and
// those begun later, go on to their end; their connections are closed then.
// It never fails.
func (c *Client) Close() error {
	c.idle.close()
	return nil
}
