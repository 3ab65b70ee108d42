// Drover is the front door of an application: it accepts the traffic, starts
// the workers that answer it, and keeps them alive.
package main

import (
	"os"

	"github.com/drover-proxy/drover/cli"
	"github.com/drover-proxy/drover/process"
)

// version is what the builder called this program (-ldflags "-X main.version=…").
var version string

func main() {
	process.Main() // as a shim or guardian it never returns
	os.Exit(cli.Main(os.Args[1:], cli.Environment{
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Version: version,
		Check:   checkSchemas,
		Run:     run,
	}))
}
