package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/cli"
	"github.com/drover-proxy/drover/event"
)

// hopelessEvery is how often drover asks whether any worker will ever be ready.
const hopelessEvery = 200 * time.Millisecond

// run is the command `drover run`; it returns the exit status of interface §1.
func run(o cli.RunOptions) int {
	// First: a signal while parts are being made must not leave them behind, and
	// PID 1 that has not asked for SIGTERM would end with another status.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)

	inherits, err := claim()
	if err != nil {
		fmt.Fprintln(os.Stderr, "drover:", err)
		return cli.ExitFailed
	}
	from := source{o}
	cfg, err := from.load()
	if err != nil {
		inherits.fail(err)
		fmt.Fprintln(os.Stderr, err) // each fault names its place
		return cli.ExitUsage
	}
	d, err := build(from, cfg, inherits)
	if err != nil {
		inherits.fail(err)
		fmt.Fprintln(os.Stderr, "drover:", err)
		return cli.ExitFailed
	}
	defer d.close()
	if err := d.open(); err != nil {
		inherits.fail(err)
		if inherits == nil {
			d.admin.Close()
		}
		fmt.Fprintln(os.Stderr, "drover:", err)
		return cli.ExitFailed
	}
	return d.serve(signals)
}

// serve runs every part until there is a reason to stop, then stops them in
// reverse order. It returns the exit status.
func (d *drover) serve(signals <-chan os.Signal) int {
	// These watch the others, so they end last.
	background, endBackground := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	events, endEvents := d.bus.Subscribe(newEvents) // before the first is published
	defer endEvents()
	watching.Go(func() { d.followEvents(background, events) })
	watching.Go(func() { d.report(d.sampler.Run(background)) })
	watching.Go(func() { d.report(d.hub.Run(background)) })
	if d.cache != nil {
		watching.Go(func() { d.report(d.cache.service.Run(background)) })
	}
	if d.keys != nil {
		watching.Go(func() { d.report(d.keys.Run(background, d.settings.IPC.KeyRotation.Std(), d.hub.GiveKeys)) })
	}
	operators, endOperators := context.WithCancel(background)
	defer endOperators()
	defer func() { endBackground(); watching.Wait() }()

	front, drain := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serve := func() {
		watching.Go(func() { d.report(d.admin.Run(operators)) })
		serving.Go(func() { d.report(d.front.Run(front)) })
	}
	if d.legacy == nil {
		serve() // requests wait for the first worker
	} else {
		d.goOn()
	}
	for _, u := range d.allUnits() {
		u.start(d.report)
	}
	status := cli.ExitFailed
	if err := d.begin(signals, serve); err == nil {
		d.bus.Publish(event.Event{Kind: event.Started, Subject: "drover", Message: d.summary()})
		d.manager.tell(d.log, "READY=1")
		status = d.wait(signals)
		select {
		case <-d.replaced:
			endOperators() // the new drover answers them
		default:
			d.manager.tell(d.log, "STOPPING=1")
		}
	}

	d.noMoreReloads()
	d.bus.Publish(event.Event{Kind: event.Stopping, Subject: "drover", Message: "requests in flight end, then the workers stop"})
	done := make(chan struct{})
	go func() {
		defer close(done)
		drain()
		serving.Wait()
		d.stopUnits()
		d.saveCache()
	}()
	d.hurry(signals, done)
	if connections, workers := d.front.Cut(), d.killedWorkers(); connections+workers > 0 {
		d.log.Warn("not everything ended in time and was cut off", zap.Int("connections", connections), zap.Int("workers", workers))
		status = cli.ExitFailed
	}
	return status
}

// begin takes over from another drover where there is one.
func (d *drover) begin(signals <-chan os.Signal, serve func()) error {
	if d.legacy == nil {
		return nil
	}
	err := d.succeed(signals, serve)
	if err != nil {
		d.legacy.fail(err)
		d.log.Error("this drover does not take over", zap.Error(err))
		d.stopFast()
	}
	return err
}

// wait returns the exit status when drover is to stop.
func (d *drover) wait(signals <-chan os.Signal) int {
	look := time.NewTicker(hopelessEvery)
	defer look.Stop()
	for {
		select {
		case sig := <-signals:
			if d.handled(sig) {
				continue
			}
			return cli.ExitDone
		case now := <-d.stops:
			if now {
				d.stopFast()
			}
			return cli.ExitDone
		case <-d.replaced:
			return cli.ExitDone
		case err := <-d.failed:
			d.log.Error("a part of drover failed, so it stops", zap.Error(err))
			return cli.ExitFailed
		case <-look.C:
			if reason, hopeless := d.hopeless(); hopeless {
				d.reportHopeless(reason)
				d.stopFast()
				return cli.ExitFailed
			}
		}
	}
}

// hurry waits until done; another signal, or a request to stop at once,
// shortens the stop.
func (d *drover) hurry(signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case sig := <-signals:
			if !d.handled(sig) {
				d.stopFast()
			}
		case now := <-d.stops:
			if now {
				d.stopFast()
			}
		}
	}
}

// handled acts on a signal that does not ask drover to stop; false for one that does.
func (d *drover) handled(sig os.Signal) bool {
	switch sig {
	case syscall.SIGHUP:
		go d.reloadBySignal()
	case syscall.SIGUSR2:
		go func() { _, _ = d.upgrade() }() // an event tells how it went
	case syscall.SIGUSR1:
		if err := d.logs.Reopen(); err != nil {
			d.log.Error("reopen log files", zap.Error(err))
		}
		if d.audit != nil {
			if err := d.audit.Reopen(); err != nil {
				d.log.Error("reopen ipc.audit.file", zap.Error(err))
			}
		}
	default:
		return false
	}
	return true
}

// report takes the error with which a part ended; the first one stops drover.
func (d *drover) report(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	select {
	case d.failed <- err:
	default:
	}
}

// summary is the first thing that drover says.
func (d *drover) summary() string {
	cfg := d.current()
	text := "listening on"
	if len(cfg.Server.Listeners) == 0 {
		text = "listening nowhere"
	}
	for i, l := range cfg.Server.Listeners {
		if i > 0 {
			text += ","
		}
		text += " " + l.Address
	}
	for _, u := range d.allUnits() {
		if u.sup != nil {
			text += fmt.Sprintf("; workers of pool %s: %d", u.pool.Name(), u.sup.Size())
		} else {
			text += fmt.Sprintf("; upstreams of pool %s: %d", u.pool.Name(), len(u.pool.All()))
		}
	}
	return text
}
