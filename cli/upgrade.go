package cli

import (
	"time"

	"github.com/drover-proxy/drover/admin"
)

// upgradePatience is how long an upgrade may take: workers have their startTimeout.
const upgradePatience = time.Hour

// UpgradeCmd has drover's program started anew.
type UpgradeCmd struct{ clientFlags }

// Help shows an example.
func (*UpgradeCmd) Help() string {
	return `Put the new program where the old one is, then upgrade. It reads the settings, takes over
the open listeners and starts workers of its own; when all are ready it serves, and the old drover
drains and ends. No connection fails. Where the new one does not come that far, the old one goes on
and the exit status is 3. SIGUSR2 does the same.

  mv drover.new /usr/local/bin/drover && drover upgrade`
}

// Run asks for it and says who serves now.
func (c *UpgradeCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var u admin.Upgraded
	if err := client.patient(upgradePatience).post("/api/v1/upgrade", nil, &u); err != nil {
		return err
	}
	say(env.Stdout, "drover %s, pid %d, has taken over\n", u.Version, u.PID)
	return nil
}
