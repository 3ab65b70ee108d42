package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

	"github.com/drover-proxy/drover/admin"
)

// TopCmd is the live view of pools and workers.
type TopCmd struct {
	clientFlags
	Interval time.Duration `default:"1s" placeholder:"TIME" help:"How often to look, 100ms to 1m (default 1s)."`
	Once     bool          `help:"Look twice, print one table, end; so it is also where there is no terminal."`
}

// Help shows an example.
func (*TopCmd) Help() string {
	return `A live view of pools and workers, with keys to scale, restart and drain; press ?
in it for all of them. What changes something is asked about first. Rates are
those of the last interval. NO_COLOR takes the colours away.

  drover top
  drover top --interval 5s
  drover top --once | grep app-3`
}

// Validate refuses intervals that ask too much of drover, or of patience.
func (c *TopCmd) Validate() error {
	if c.Interval < 100*time.Millisecond || c.Interval > time.Minute {
		return fmt.Errorf("--interval: %s is not a time from 100ms to 1m", c.Interval)
	}
	return nil
}

// Run shows the view until it is left.
func (c *TopCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	first, err := client.Look() // what is wrong is said on the plain terminal
	if err != nil {
		return err
	}
	if c.Once || !interactive(env) {
		time.Sleep(c.Interval)
		second, err := client.Look()
		if err != nil {
			return err
		}
		say(env.Stdout, "%s", env.coloured(newFrame(&first, &second).plain()))
		return nil
	}
	m := newTopModel(client, c.Interval)
	m.take(first)
	_, err = tea.NewProgram(m, tea.WithInput(env.Stdin), tea.WithOutput(env.Stdout)).Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil // a way to leave, as q is
	}
	return err
}

// interactive reports whether somebody can see a view and press keys.
func interactive(env *Environment) bool {
	in, isFile := env.Stdin.(*os.File)
	out, isFileToo := env.Stdout.(*os.File)
	return isFile && isFileToo && env.Getenv("TERM") != "dumb" && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// Look asks for everything that top shows.
func (c *Client) Look() (look, error) {
	l := look{}
	var pools admin.PoolList
	var workers admin.WorkerList
	if err := c.get("/api/v1/status", &l.status); err != nil {
		return l, err
	}
	if err := c.get("/api/v1/pools", &pools); err != nil {
		return l, err
	}
	if err := c.get("/api/v1/workers", &workers); err != nil {
		return l, err
	}
	l.at, l.pools, l.workers = time.Now(), pools.Pools, workers.Workers
	return l, nil
}

// Change does what a key asked for.
func (c *Client) Change(ch change) error {
	pool := "/api/v1/pools/" + escape(ch.subject)
	switch ch.verb {
	case scaleVerb:
		return c.post(pool+"/scale", admin.ScaleRequest{Workers: ch.workers}, nil)
	case autoVerb:
		return c.post(pool+"/scale", admin.ScaleRequest{Workers: "auto"}, nil)
	case rollVerb:
		return c.post(pool+"/restart", nil, nil)
	}
	kind := "workers/"
	if !ch.spawned {
		kind = "upstreams/"
	}
	return c.post("/api/v1/"+kind+escape(ch.subject)+"/"+ch.verb, nil, nil)
}
