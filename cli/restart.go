package cli

import (
	"strings"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// pollEvery is how often restart --wait asks how far it is.
const pollEvery = 200 * time.Millisecond

// RestartCmd is a rolling restart.
type RestartCmd struct {
	clientFlags
	Pool string `arg:"" help:"The pool."`
	Wait bool   `help:"Wait for the end; exit status 3 when the new workers did not become ready and the old ones were kept."`
}

// Help shows an example.
func (*RestartCmd) Help() string {
	return `New workers are started and ready before old ones are drained and stopped; no request fails.

  drover restart app
  drover restart app --wait`
}

// Run asks for it and waits if it should.
func (c *RestartCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var started admin.Started
	if err := client.post("/api/v1/pools/"+escape(c.Pool)+"/restart", nil, &started); err != nil {
		return err
	}
	if !c.Wait {
		say(env.Stdout, "%s: restarting (%s)\n", c.Pool, started.ID)
		return nil
	}
	o, err := client.wait(started.ID)
	if err != nil {
		return err
	}
	if o.State == admin.Failed {
		how := "failed: "
		if strings.HasPrefix(o.Message, "rolled back") {
			how = "was "
		}
		return &ExitError{Code: ExitRefused, Message: c.Pool + ": the restart " + how + o.Message}
	}
	say(env.Stdout, "%s: restarted\n", c.Pool)
	return nil
}

// wait asks for an operation until it has ended.
func (c *Client) wait(id string) (o admin.Operation, err error) {
	for {
		if err := c.get("/api/v1/operations/"+escape(id), &o); err != nil || o.State != admin.Running {
			return o, err
		}
		time.Sleep(pollEvery)
	}
}
