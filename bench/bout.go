package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bout is one peer at work in one scenario.
type bout struct {
	ctx      context.Context
	lab      *lab
	scenario scenario
	name     string
	address  string
	child    *child
	length   time.Duration
}

// measure lets the peers take turns in one scenario and returns the table. The error names the peers
// that could not be measured; the table holds the others.
func (l *lab) measure(ctx context.Context, s scenario) (string, error) {
	wanted, err := l.wanted()
	if err != nil {
		return "", err
	}
	results := newResults(s, l.dir)
	var bouts []*bout
	defer func() {
		for _, b := range bouts {
			b.child.stop()
		}
	}()
	for _, p := range wanted {
		if !p.takesPart(s) || slices.Contains(l.missing, p.binary) {
			continue
		}
		b, err := l.enter(ctx, s, p)
		if err != nil {
			results.fail(p.name, err)
			continue
		}
		bouts = append(bouts, b)
	}
	for round := range l.options.rounds {
		for _, b := range bouts {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			t, err := oneTurn(b)
			results.add(b.name, round, t, err)
		}
	}
	return results.table(), results.err()
}

// oneTurn measures the peer once.
func oneTurn(b *bout) (turn, error) {
	work := b.scenario.turn
	if work == nil {
		work = wrkTurn
	}
	t, err := work(b)
	time.Sleep(settle)
	return t, err
}

// enter starts a peer and warms it up.
func (l *lab) enter(ctx context.Context, s scenario, p peer) (*bout, error) {
	b := &bout{ctx: ctx, lab: l, scenario: s, name: p.name, length: l.options.turn}
	if err := b.start(p); err != nil {
		return nil, err
	}
	if l.options.quick {
		return b, nil
	}
	if _, err := l.wrk(ctx, s, b.address, time.Second); err != nil {
		b.child.stop()
		return nil, fmt.Errorf("warm up: %w\n%s", err, b.child.tail())
	}
	return b, nil
}

// start runs the peer with its settings for the scenario.
func (b *bout) start(p peer) error {
	l := b.lab
	dir, err := l.folder(strings.Join([]string{b.scenario.name, p.name}, "-"))
	if err != nil {
		return err
	}
	where := site{Dir: dir, Settings: filepath.Join(dir, "settings"), Log: filepath.Join(dir, "access.log"), Mode: b.scenario.mode, Backends: l.tcp}
	if b.scenario.unix && !p.tcpOnly {
		where.Backends = l.unix
	}
	for _, address := range []*string{&where.Listen, &where.Admin} {
		if *address, err = freeAddress(); err != nil {
			return err
		}
	}
	if p.settings == "drover.yaml" {
		where.Settings += ".yaml"
	}
	if p.settings != "" {
		if err := render(p.settings, where.Settings, where); err != nil {
			return err
		}
	}
	binary := p.binary
	if built, ok := l.bins[p.binary]; ok {
		binary = built
	}
	argv := p.argv(binary, where)
	name, args := l.pinned(proxyCore, argv[0], argv[1:])
	env := append([]string{"XDG_RUNTIME_DIR=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, p.env...)
	b.address = where.Listen
	if b.child, err = startChild(p.name, dir, env, append([]string{name}, args...)...); err != nil {
		return err
	}
	if err := b.child.awaitListener(b.ctx, "tcp", where.Listen); err != nil {
		b.child.stop()
		return err
	}
	return nil
}
