package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/drover-proxy/drover/config"
)

// Exit statuses of every command.
const (
	ExitDone    = 0
	ExitFailed  = 1 // it failed at run time
	ExitUsage   = 2 // the command line or the settings are wrong
	ExitRefused = 3 // refused, or rolled back
)

// Environment is what a command meets of the world. Commands get a pointer to it.
type Environment struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string                     // of this program; "" says devel
	Check          func(*config.Config) error // finds what is wrong beyond the settings themselves; nil: nothing
	Run            func(RunOptions) int       // runs drover in the foreground; its result is the exit status
}

// ExitError ends the command with Code. Message goes to standard error first,
// unless the command has said all there is to say and it is empty.
type ExitError struct {
	Code    int
	Message string
}

// Error returns the message.
func (e *ExitError) Error() string { return e.Message }

// grammar is the command line. Each command is a type with Run(*Environment) error
// and Help() string, which shows an example.
type grammar struct {
	Run       RunCmd       `cmd:"" help:"Run the front and its workers in the foreground."`
	Check     CheckCmd     `cmd:"" help:"Read and validate settings, print every fault."`
	Config    ConfigCmd    `cmd:"" help:"Print the effective settings, with defaults filled in."`
	Schema    SchemaCmd    `cmd:"" help:"Print the JSON Schema of the settings file."`
	Status    StatusCmd    `cmd:"" help:"What is running, and is it well?"`
	Workers   WorkersCmd   `cmd:"" help:"List the workers."`
	Pools     PoolsCmd     `cmd:"" help:"List the pools and their upstreams."`
	Top       TopCmd       `cmd:"" help:"A live view of pools and workers, with keys to operate them."`
	Scale     ScaleCmd     `cmd:"" help:"Set the number of workers of a pool."`
	Restart   RestartCmd   `cmd:"" help:"Replace the workers of a pool one after another."`
	Worker    WorkerCmds   `cmd:"" help:"Operate one worker."`
	Upstream  UpstreamCmds `cmd:"" help:"Operate one upstream, a worker or an address."`
	IPC       IPCCmds      `cmd:"" name:"ipc" help:"Send messages to workers."`
	Cache     CacheCmds    `cmd:"" help:"Operate the cache that workers share."`
	Reload    ReloadCmd    `cmd:"" help:"Read the settings again and apply what changed."`
	Stop      StopCmd      `cmd:"" help:"Drain and stop the running drover."`
	Events    EventsCmd    `cmd:"" help:"What happened."`
	SampleApp SampleAppCmd `cmd:"" help:"The built-in sample worker, for demos and tests."`
	Version   VersionCmd   `cmd:"" help:"Print version, commit and Go version."`
}

const description = "drover is a reverse proxy that starts its workers itself and keeps them alive.\n\n" +
	"Short for run with a command:\n\n  drover -- COMMAND ARG ...\n\n" +
	"Operating commands find the running drover by its admin socket, or by --admin or DROVER_ADMIN " +
	"(unix:/path or http://host:port); a token goes in DROVER_ADMIN_TOKEN."

// exit is the panic with which kong's wish to exit leaves the parser.
type exit struct{ code int }

// Main runs the command that args (without the program's name) ask for and
// returns the exit status. It writes to env only.
func Main(args []string, env Environment) (code int) {
	defer func() {
		if e := recover(); e != nil {
			ex, ok := e.(exit)
			if !ok {
				panic(e)
			}
			code = ex.code
		}
	}()
	if env.Getenv == nil {
		env.Getenv = os.Getenv
	}
	args, command := cut(args)
	if slices.Equal(args, []string{"--version"}) {
		args = []string{"version"} // what people try first
	}
	var g grammar
	g.Run.command = command
	parser, err := kong.New(&g,
		kong.Name("drover"), kong.Description(description), kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { panic(exit{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, NoAppDescFormat: true}),
		kong.Bind(&env),
	)
	if err != nil {
		panic(err) // the grammar above is wrong; every test meets this
	}
	if len(args) == 0 {
		args, parser.Stdout = []string{"--help"}, env.Stderr
		parser.Exit = func(int) { panic(exit{ExitUsage}) }
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return usage(&env, err)
	}
	return finish(&env, ctx.Run(&env))
}

// cut splits args at the first --. What follows is the command that run starts;
// where no word before it says otherwise, run is meant.
func cut(args []string) (before, command []string) {
	at := slices.Index(args, "--")
	if at < 0 {
		return args, nil
	}
	before, command = args[:at:at], args[at+1:]
	if len(before) == 0 || strings.HasPrefix(before[0], "-") {
		before = append([]string{"run"}, before...)
	}
	return before, command
}

func usage(env *Environment, err error) int {
	message := err.Error()
	where := "drover --help"
	var parse *kong.ParseError
	if errors.As(err, &parse) {
		if node := parse.Context.Selected(); node != nil {
			where = node.FullPath() + " --help"
			if node.Name == "run" && strings.HasPrefix(message, "unexpected argument") {
				message += "; put -- before the command: drover run -- COMMAND ARG ..."
			}
		}
	}
	say(env.Stderr, "drover: %s\nsee %s\n", message, where)
	return ExitUsage
}

func finish(env *Environment, err error) int {
	var e *ExitError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &e):
		if e.Message != "" {
			say(env.Stderr, "drover: %s\n", e.Message)
		}
		return e.Code
	}
	say(env.Stderr, "drover: %v\n", err)
	return ExitFailed
}

// say writes to a person. Where nobody can read it there is nobody to tell either.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
