package proxy

import (
	"bytes"
	"net"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// explosive is a connection that panics when it reads a certain word.
type explosive struct{ net.Conn }

func (e *explosive) Read(p []byte) (int, error) {
	n, err := e.Conn.Read(p)
	if bytes.Contains(p[:n], []byte("boom")) {
		panic("on purpose")
	}
	return n, err
}

// A panic in a goroutine of a tunnel, or of a relay, ends that connection and
// nothing else.
func TestServer_SurvivesAPanicInATunnel(t *testing.T) {
	for _, protocol := range []string{"http", "tcp"} {
		up := listen(t, func(u *upstream, p *peer) {
			if protocol == "http" {
				p.head()
				p.send(switched)
			}
			toldAtEnd(p)
		})
		bus := event.NewBus(10)
		r := newRigWith(t, Options{
			Bus: bus, Wrap: func(_ string, nc net.Conn) (net.Conn, error) { return &explosive{nc}, nil },
		}, func(c *config.Config) { c.Server.Listeners[0].Protocol = protocol }, up.addr)
		c, other := r.dial(), r.dial()
		for _, p := range []*peer{c, other} {
			if protocol == "http" {
				p.send(upgrade)
				p.head()
			}
		}
		r.eventually("both to be open", func() bool { return inFlight(r) == 2 }, nil)
		c.send("boom")
		c.closed()
		r.eventually("the place to be free", func() bool { return inFlight(r) == 1 }, nil)
		if e := bus.Recent(); len(e) != 1 || e[0].Kind != event.Internal {
			t.Errorf("%s: events %v", protocol, e)
		}
		other.send("still there")
		other.close()
		r.idle()
	}
}
