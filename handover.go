package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/drover-proxy/drover/internal/inherit"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/supervisor"
)

// handoverEnv has the inheritance of a drover that is to take over from another
// one; it is JSON, and no worker sees it.
const handoverEnv = "DROVER_HANDOVER"

// inheritance is what the old drover hands to the new one. Numbers of
// descriptors go by the keys of proxy.Options.Inherited and admin.Options.Inherited.
type inheritance struct {
	Control   int            `json:"control"`
	Listeners map[string]int `json:"listeners"`
	Admin     map[string]int `json:"admin"`
	Workers   map[string]int `json:"workers"` // how many an operator wants, by pool
	Needed    map[string]int `json:"needed"`  // how many there are otherwise, for autoscaling to begin with
	Serving   []string       `json:"serving"` // pools that have a ready upstream

	Legacies map[string]supervisor.Legacy `json:"legacies"` // by pool
	Marks    map[string][]pool.Mark       `json:"marks"`    // of upstreams, by pool
}

// The steps of an upgrade, in their order; each is said over the control socket.
const (
	stepHello  = "hello"  // new: I am a drover that can take over
	stepReady  = "ready"  // new: my workers are ready
	stepGo     = "go"     // old: begin to accept
	stepTaken  = "taken"  // new: I do, and it is for good
	stepFailed = "failed" // new, in place of ready: I end, and why
)

// notice is one line on the control socket.
type notice struct {
	Step    string   `json:"step"`
	Version string   `json:"version,omitempty"` // hello
	Cache   string   `json:"cache,omitempty"`   // go: a file with the shared cache
	Message string   `json:"message,omitempty"` // failed
	Faults  []string `json:"faults,omitempty"`  // failed: of the settings
}

// control is one end of the control socket.
type control struct {
	conn  net.Conn
	lines *bufio.Scanner
}

func newControl(f *os.File) (*control, error) {
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("the control socket of the upgrade: %w", err)
	}
	return &control{conn, bufio.NewScanner(conn)}, nil
}

func (c *control) say(n notice) error { return json.NewEncoder(c.conn).Encode(n) }

// errGone says that the other drover has closed its end.
var errGone = errors.New("the other drover has ended")

// next waits for a notice.
func (c *control) next() (n notice, err error) {
	if !c.lines.Scan() {
		return n, errors.Join(errGone, c.lines.Err())
	}
	return n, json.Unmarshal(c.lines.Bytes(), &n)
}

func (c *control) close() { _ = c.conn.Close() }

// controlPair returns the two ends, which nobody inherits who is not meant to.
func controlPair() (ours *control, theirs *os.File, err error) {
	mine, theirs, err := inherit.Pair("control")
	if err != nil {
		return nil, nil, fmt.Errorf("make the control socket of the upgrade: %w", err)
	}
	defer mine.Close() // newControl has a copy
	if ours, err = newControl(mine); err != nil {
		_ = theirs.Close()
	}
	return ours, theirs, err
}
