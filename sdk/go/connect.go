package drover

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
)

// process is the client of this process: there is one channel.
var process struct {
	mu     sync.Mutex
	client *Client
}

// Connect returns the client of this process; the first call makes it, by what
// drover put in the environment. Outside drover it is a cluster of one.
//
// The setup runs before drover hears of this worker: handlers that are set there
// miss nothing. (Where the client is there already, it runs at once.)
func Connect(ctx context.Context, setup ...func(*Client)) (*Client, error) {
	process.mu.Lock()
	defer process.mu.Unlock()
	if c := process.client; c != nil {
		for _, f := range setup {
			f(c)
		}
		return c, nil
	}
	conn, key, err := channel(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to drover: %w", err)
	}
	if conn == nil {
		conn = newLocal()
	}
	c, err := newClient(ctx, conn, key, setup...)
	if err != nil {
		return nil, err
	}
	process.client = c
	return c, nil
}

// Default is Connect for programs that cannot do without: it panics where the
// channel is there but drover does not answer on it.
func Default() *Client {
	c, err := Connect(context.Background())
	if err != nil {
		panic(err)
	}
	return c
}

// Local returns a new cluster of one whatever the environment says: for tests.
func Local(setup ...func(*Client)) *Client {
	c, err := newClient(context.Background(), newLocal(), "", setup...)
	if err != nil {
		panic(err) // cannot happen: it is in this process
	}
	return c
}

// channel finds the channel to drover; nil where there is none. Its traces leave
// the environment, so that a child process does not take it for its own.
func channel(ctx context.Context) (conn net.Conn, key string, err error) {
	number, path, key := os.Getenv("DROVER_IPC_FD"), os.Getenv("DROVER_IPC_SOCKET"), os.Getenv("DROVER_IPC_KEY")
	for _, name := range []string{"DROVER_IPC_FD", "DROVER_IPC_SOCKET", "DROVER_IPC_KEY", "NODE_CHANNEL_FD"} {
		_ = os.Unsetenv(name) // fails for impossible names only
	}
	if conn := inherited(number); conn != nil {
		return conn, "", nil
	}
	if path == "" || key == "" {
		return nil, "", nil
	}
	var d net.Dialer
	conn, err = d.DialContext(ctx, "unix", path)
	return conn, key, err
}
