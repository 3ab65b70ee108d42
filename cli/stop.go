package cli

import "github.com/drover-proxy/drover/admin"

// StopCmd stops the running drover.
type StopCmd struct {
	clientFlags
	Now bool `help:"Do not wait for requests in flight, as a second SIGTERM does."`
}

// Help shows an example.
func (*StopCmd) Help() string {
	return `Without --now, requests in flight are finished first, for as long as server.timeouts.drain allows.

  drover stop
  drover stop --now`
}

// Run asks for it.
func (c *StopCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	if err := client.post("/api/v1/stop", admin.StopRequest{Now: c.Now}, nil); err != nil {
		return err
	}
	say(env.Stdout, "stopping\n")
	return nil
}
