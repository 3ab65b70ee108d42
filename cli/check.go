package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// CheckCmd reads and validates settings without running anything.
type CheckCmd struct {
	ConfigFile string `name:"config" short:"c" default:"drover.yaml" placeholder:"FILE" help:"Settings file (default ./${default})."`
}

// Help shows an example.
func (*CheckCmd) Help() string {
	return `Prints every fault as FILE:LINE: key: what is wrong; what to do. Ends with 0 when the settings are
good, with 2 when they are not. Programs, folders and files that the settings name are looked for too.

  drover check -c drover.yaml`
}

// Run prints the faults to standard error, or one line to standard output.
func (c *CheckCmd) Run(env *Environment) error {
	cfg, err := load(env, c.ConfigFile)
	if err != nil {
		return err
	}
	say(env.Stdout, "%s: settings are good: %s, %s, %s\n", c.ConfigFile,
		count(len(cfg.Server.Listeners), "listener"), count(len(cfg.Routes), "route"), count(len(cfg.Pools), "pool"))
	return nil
}

// load reads settings; faults are printed as they are, so that editors and
// other programs find FILE:LINE at the beginning of the line.
func load(env *Environment, path string) (*config.Config, error) {
	cfg, err := config.Load(path)
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		say(env.Stderr, "%v\n", faults)
		return nil, &ExitError{Code: ExitUsage}
	case err != nil:
		return nil, wrong(err.Error())
	case env.Check == nil:
		return cfg, nil
	}
	if err := env.Check(cfg); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			say(env.Stderr, "%s: %s\n", path, line)
		}
		return nil, &ExitError{Code: ExitUsage}
	}
	return cfg, nil
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
