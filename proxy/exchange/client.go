package exchange

import "time"

// Options of a Client. The zero value is right for a local worker.
type Options struct {
	// Idle is how long an unused connection is kept at first (default 4 s,
	// because Node.js closes after 5 s).
	Idle time.Duration
	// MaxIdle is the most unused connections kept (default 512).
	MaxIdle int
	// Buffers are shared by all clients that are given the same; nil: own.
	Buffers *Buffers
}

// Client holds the connections to one upstream. It is safe for concurrent use.
type Client struct{ o Options }

// NewClient makes a client of the upstream at address; network is "tcp" or
// "unix". It connects when the first request comes.
func NewClient(network, address string, o Options) *Client {
	_, _ = network, address
	return &Client{o: o}
}

// Do sends req and returns when the head of the final response, or of a 101
// that was asked for, is there. A body that is not in memory goes up in the
// background meanwhile, and may still do so after Do returned.
//
// resp must be zero or closed. When Do succeeds the caller must Close it; an
// error is always an *Error and leaves nothing to close.
func (c *Client) Do(req *Request, resp *Response) error {
	_, _ = req, resp
	return &Error{Kind: ConnectFailed, Unsent: true}
}

// Close closes the connections that are not in use. Exchanges under way go on
// to their end; their connections are closed then. It never fails.
func (c *Client) Close() error { return nil }
