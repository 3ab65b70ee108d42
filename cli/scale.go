package cli

import (
	"fmt"
	"strconv"

	"github.com/drover-proxy/drover/admin"
)

// ScaleCmd sets the number of workers of a pool.
type ScaleCmd struct {
	clientFlags
	Pool    string `arg:"" help:"The pool."`
	Workers string `arg:"" placeholder:"N|auto" help:"How many workers, 0 to 1024; auto returns to the number in the settings, or to autoscaling."`
}

// Help shows an example.
func (*ScaleCmd) Help() string {
	return `Workers that are too many are drained first.

  drover scale app 8
  drover scale app auto`
}

// Run asks for it.
func (c *ScaleCmd) Run(env *Environment) error {
	body := admin.ScaleRequest{Workers: "auto"}
	if c.Workers != "auto" {
		n, err := strconv.Atoi(c.Workers)
		if err != nil || n < 0 || n > 1024 {
			return wrong(fmt.Sprintf("%q is not a number of workers; give 0 to 1024, or auto", c.Workers))
		}
		body.Workers = n
	}
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var p admin.Pool
	if err := client.post("/api/v1/pools/"+escape(c.Pool)+"/scale", body, &p); err != nil {
		return err
	}
	say(env.Stdout, "%s: %s wanted, %d ready\n", p.Name, count(p.Wanted, "worker"), p.Ready)
	if p.AutoScaling != nil && p.AutoScaling.Manual {
		say(env.Stdout, "autoscaling leaves it at that until drover scale %s auto\n", p.Name)
	}
	return nil
}
