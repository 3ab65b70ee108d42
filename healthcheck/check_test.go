package healthcheck

import (
	"errors"
	"net"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestChecks_DoNotAskWhomTheyDoNotTrust(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	refused := errors.New("a stranger")
	target := Target{Network: "tcp", Address: l.Addr().String(), Verify: func(net.Conn) error { return refused }}
	for _, kind := range []string{"http", "tcp"} {
		c, err := New(&config.Pool{HealthCheck: config.HealthCheck{Type: kind}}, Env{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Probe(t.Context(), target); !errors.Is(err, refused) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
