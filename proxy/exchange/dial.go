package exchange

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/drover-proxy/drover/internal/peeruser"
)

// defaultConnect bounds the retries of a full Unix socket where the request
// sets no bound.
const defaultConnect = 5 * time.Second

// dialing is a dial under way, for Cancel.
type dialing struct{ cancel context.CancelFunc }

func (d *dialing) abort() { d.cancel() }

// dial makes a connection for req.
func (c *Client) dial(req *Request) (*conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if !req.Cancel.attach(&dialing{cancel}) {
		return nil, &Error{Kind: Canceled, Unsent: true}
	}
	defer req.Cancel.detach()
	d := net.Dialer{Timeout: req.Connect, Deadline: req.Deadline, KeepAlive: c.tcpKeepAlive}
	nc, err := d.DialContext(ctx, c.network, c.address)
	if err != nil && c.network == "unix" {
		nc, err = c.dialFull(ctx, &d, err)
	}
	nc, err = peeruser.Checked(nc, err, c.check)
	if err != nil {
		if req.Cancel.Fired() {
			return nil, &Error{Kind: Canceled, Unsent: true, Err: err}
		}
		return nil, &Error{Kind: dialKind(err), Unsent: true, Err: err} // net names the address
	}
	cn, err := newConn(c.idle.clock, nc)
	if err != nil {
		_ = nc.Close()
		return nil, &Error{Kind: ConnectFailed, Unsent: true, Err: fmt.Errorf("connect to %s: %w", c.address, err)}
	}
	return cn, nil
}

// dialFull tries again as long as the queue of a Unix socket is full: the
// kernel says EAGAIN at once there, where TCP would wait.
func (c *Client) dialFull(ctx context.Context, d *net.Dialer, err error) (net.Conn, error) {
	bound := d.Timeout
	if bound <= 0 {
		bound = defaultConnect
	}
	until := time.Now().Add(bound)
	var nc net.Conn
	for wait := time.Millisecond; errors.Is(err, syscall.EAGAIN) && time.Now().Before(until); wait = min(2*wait, 20*time.Millisecond) {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
		nc, err = d.DialContext(ctx, c.network, c.address)
	}
	return nc, err
}

// dialKind tells nobody listens from everything else.
func dialKind(err error) Kind {
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return Refused
	}
	return ConnectFailed
}

// KeepAliveFor is net.Dialer's KeepAlive for an address: probes cost four
// system calls per connection, and on this machine the kernel tells at once.
func KeepAliveFor(network, address string) time.Duration {
	if network == "unix" {
		return -1
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" {
		return -1
	}
	return 0
}
