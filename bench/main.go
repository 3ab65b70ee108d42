package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

type options struct {
	scenarios, peers string
	rounds, repeat   int
	turn             time.Duration
	quick            bool
	output           string
	drover, versus   string
	install          bool
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.scenarios, "scenario", "all", "comma-separated scenarios: "+strings.Join(scenarioNames(), ", "))
	f.StringVar(&o.peers, "peers", "all", "comma-separated proxies: "+strings.Join(peerNames(), ", "))
	f.IntVar(&o.rounds, "rounds", 5, "turns of each proxy per scenario; some do with fewer")
	f.IntVar(&o.repeat, "repeat", 1, "how often all of it is measured, with one table that shows which goals were met each time")
	f.DurationVar(&o.turn, "turn", 3*time.Second, "length of a turn, in whole seconds")
	f.BoolVar(&o.quick, "quick", false, "one turn of a second each, HAProxy and drover unless -peers is given: shows that everything runs, measures nothing")
	f.StringVar(&o.output, "output", "", "file for the tables; default bench/results/DATE-TIME.md, with -quick none; - for none")
	f.StringVar(&o.drover, "drover", "", "drover binary; default: built from this tree")
	f.StringVar(&o.versus, "versus", "", "a second drover binary, measured beside it as drover-versus")
	f.BoolVar(&o.install, "install", true, "as root, install missing proxies with apt-get")
	f.Usage = func() {
		fmt.Fprint(f.Output(), "usage: go run ./bench [flags]\n\nMeasures drover beside other proxies (Linux). Example:\n\n  go run ./bench -scenario tcp -peers haproxy,drover -rounds 9\n\nScenarios:\n")
		for _, s := range scenarios() {
			fmt.Fprintf(f.Output(), "  %-14s %s\n", s.name, s.about)
		}
		fmt.Fprint(f.Output(), "\nFlags:\n")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds, o.turn = 1, time.Second
		if o.peers == "all" {
			o.peers = "haproxy,drover"
		}
	}
	if o.turn < time.Second || o.rounds < 1 || o.repeat < 1 {
		return o, fmt.Errorf("-turn must be at least 1s, -rounds and -repeat at least 1")
	}
	return o, nil
}

func main() {
	// Children are sent SIGTERM when the thread that started them ends; the main thread lives as long as
	// the program.
	runtime.LockOSThread()
	o, err := parse(os.Args[1:])
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) { // the flag package has printed the help
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
