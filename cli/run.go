package cli

import (
	"errors"
	"io/fs"
	"os"
)

// defaultFile is what run reads where neither a file nor a command is named.
const defaultFile = "drover.yaml"

// RunOptions is what the command line says of a run: a settings file, or a
// command with the settings that matter most for it.
type RunOptions struct {
	ConfigFile   string   // empty: Command says what to run
	Command      []string // empty: ConfigFile does
	Listen       []string // empty: the default, :8080
	Workers      string   // a number or auto; empty: the default
	Strategy     string   // empty: the default
	Health       string   // path of the health endpoint; empty: the default
	Dev          bool     // one worker without limits, replaced when files change, and logs for people
	Inspect      bool     // Node.js and Bun listen for a debugger
	AdminAddress *string  // nil: the default or the file's; empty: none
}

// RunCmd is the main job.
type RunCmd struct {
	ConfigFile   string   `name:"config" short:"c" placeholder:"FILE" help:"Settings file (default ./drover.yaml)."`
	Listen       []string `sep:"none" placeholder:"ADDRESS" help:"With a command: where to listen, host:port or unix:/path; may be repeated (default :8080)."`
	Workers      string   `placeholder:"N|auto" help:"With a command: how many workers (default auto: one per CPU)."`
	Strategy     string   `placeholder:"NAME" help:"With a command: how requests are spread (default least-connections)."`
	Health       string   `placeholder:"PATH" help:"With a command: path that a healthy worker answers with 200 to 399."`
	AdminAddress *string  `placeholder:"HOST:PORT" help:"Where the admin API listens, instead of admin.address; empty for its socket only."`
	Dev          bool     `help:"For development: one worker without limits, replaced when a file of its folder changes, and logs for people."`
	Inspect      bool     `help:"Each worker of Node.js or Bun listens for a debugger; drover workers shows where."`

	command []string // what stood after --
}

// Help shows an example.
func (*RunCmd) Help() string {
	return `Without a file: one pool "app" of workers that run the command, each on a port of its own ($PORT).

  drover run -- node server.js
  drover run --listen :80 --workers 4 --health /healthz -- python3 app.py

With a file:

  drover run -c drover.yaml

For development (files whose change restarts: processManagement.watch, else sources of the usual languages):

  drover run --dev --inspect -- node server.js

SIGTERM and SIGINT drain and stop, a second one stops at once; SIGHUP reloads the settings;
SIGUSR1 reopens log files; SIGUSR2 lets a new version of the program take over.`
}

// Run checks that the options go together and hands over to Environment.Run.
func (c *RunCmd) Run(env *Environment) error {
	o := RunOptions{
		ConfigFile: c.ConfigFile, Command: c.command, Listen: c.Listen, Workers: c.Workers,
		Strategy: c.Strategy, Health: c.Health, Dev: c.Dev, Inspect: c.Inspect, AdminAddress: c.AdminAddress,
	}
	if err := o.complete(); err != nil {
		return err
	}
	if code := env.Run(o); code != ExitDone {
		return &ExitError{Code: code}
	}
	return nil
}

func (o *RunOptions) complete() error {
	if len(o.Command) > 0 {
		if o.ConfigFile != "" {
			return wrong("-c and -- COMMAND do not go together; put the command into the file as pools.NAME.command, or leave -c out")
		}
		return nil
	}
	for _, flag := range []struct {
		name, key string
		given     bool
	}{
		{"--listen", "server.listeners", len(o.Listen) > 0},
		{"--workers", "pools.NAME.workers", o.Workers != ""},
		{"--strategy", "pools.NAME.strategy", o.Strategy != ""},
		{"--health", "pools.NAME.healthCheck.endpoint", o.Health != ""},
	} {
		if flag.given {
			return wrong(flag.name + " needs a command (drover run " + flag.name + " … -- COMMAND); with a settings file, set " + flag.key + " there")
		}
	}
	if o.ConfigFile == "" {
		o.ConfigFile = defaultFile
		if _, err := os.Stat(defaultFile); errors.Is(err, fs.ErrNotExist) {
			return wrong("there is no ./" + defaultFile + "; type drover -- COMMAND to run a command, or drover run -c FILE to name a settings file")
		}
	}
	return nil
}

func wrong(message string) error { return &ExitError{Code: ExitUsage, Message: message} }
