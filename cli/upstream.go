package cli

import (
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/drover-proxy/drover/admin"
)

// UpstreamCmds are the verbs for one upstream.
type UpstreamCmds struct {
	Drain       UpstreamCmd `cmd:"" help:"Send it nothing new; it is still probed."`
	Resume      UpstreamCmd `cmd:"" help:"Take back a drain or maintenance."`
	Maintenance UpstreamCmd `cmd:"" help:"Drain it, without probes and restarts."`
	Weight      WeightCmd   `cmd:"" help:"Set its weight, 0 to 256; 0 takes nothing new."`
}

// Help shows examples.
func (*UpstreamCmds) Help() string { return (*UpstreamCmd)(nil).Help() }

// UpstreamCmd operates one upstream; its name on the command line is the verb.
type UpstreamCmd struct {
	clientFlags
	ID string `arg:"" help:"The upstream: a worker (app-3), the name of an address in the settings, or the address."`
}

// Help shows an example.
func (*UpstreamCmd) Help() string {
	return `Examples:

  drover upstream drain 10.0.0.5:8080
  drover upstream maintenance a
  drover upstream resume a`
}

// Run asks for it.
func (c *UpstreamCmd) Run(env *Environment, ctx *kong.Context) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	verb := ctx.Selected().Name
	if err := client.post("/api/v1/upstreams/"+escape(c.ID)+"/"+verb, nil, nil); err != nil {
		return err
	}
	say(env.Stdout, "%s: %s\n", c.ID, done[verb])
	return nil
}

// WeightCmd sets the weight of one upstream.
type WeightCmd struct {
	clientFlags
	ID     string `arg:"" help:"The upstream."`
	Weight int    `arg:"" help:"0 to 256; 0 takes nothing new."`
}

// Help shows an example.
func (*WeightCmd) Help() string {
	return `Example:

  drover upstream weight 10.0.0.5:8080 3`
}

// Validate refuses weights that no upstream can have.
func (c *WeightCmd) Validate() error {
	if c.Weight < 0 || c.Weight > 256 {
		return fmt.Errorf("weight %d is not a number from 0 to 256", c.Weight)
	}
	return nil
}

// Run asks for it.
func (c *WeightCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	if err := client.post("/api/v1/upstreams/"+escape(c.ID)+"/weight", admin.WeightRequest{Weight: &c.Weight}, nil); err != nil {
		return err
	}
	say(env.Stdout, "%s: weight %d\n", c.ID, c.Weight)
	return nil
}
