package cli

import (
	"strings"

	"github.com/drover-proxy/drover/admin"
)

// ReloadCmd applies changed settings.
type ReloadCmd struct{ clientFlags }

// Help shows an example.
func (*ReloadCmd) Help() string {
	return `The running drover reads its settings file again. What a worker is started with rolls that pool, everything
else changes in place. Wrong settings change nothing: each fault is printed and the exit status is 3.

  drover reload`
}

// Run asks for it and prints what changed.
func (c *ReloadCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var r admin.ReloadResult
	if err := client.post("/api/v1/reload", nil, &r); err != nil {
		return err
	}
	if len(r.Added)+len(r.Removed)+len(r.Rolled)+len(r.Applied)+len(r.NeedsRestart) == 0 {
		say(env.Stdout, "nothing changed\n")
	}
	for _, list := range []struct {
		about string
		names []string
	}{
		{"new pools", r.Added}, {"removed pools", r.Removed},
		{"applied in place", r.Applied}, {"rolling restart", r.Rolled}, {"takes effect when drover is started anew", r.NeedsRestart},
	} {
		if len(list.names) > 0 {
			say(env.Stdout, "%s: %s\n", list.about, strings.Join(list.names, ", "))
		}
	}
	return nil
}
