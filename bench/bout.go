package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bout is one peer at work in one scenario.
type bout struct {
	ctx      context.Context
	lab      *lab
	scenario scenario
	peer     peer
	name     string
	address  string
	dir      string
	log      string
	child    *child // nil as long as a fresh scenario has not started it
	length   time.Duration
}

// outcome is what one scenario showed in one run.
type outcome struct {
	table    string
	verdicts []verdict
}

// measure runs one scenario. The error names what could not be measured; the outcome holds the others.
func (l *lab) measure(ctx context.Context, s scenario) (outcome, error) {
	if s.measure != nil {
		return s.measure(l, ctx, s)
	}
	r, err := l.turns(ctx, s)
	if err != nil {
		return outcome{}, err
	}
	return outcome{table: r.table(), verdicts: r.verdicts()}, r.err()
}

// turns lets the peers take turns.
func (l *lab) turns(ctx context.Context, s scenario) (*results, error) {
	wanted, err := l.wanted()
	if err != nil {
		return nil, err
	}
	r := newResults(s, l.dir)
	rounds, length := s.turns(l.options)
	var bouts []*bout
	defer func() {
		for _, b := range bouts {
			b.stop()
		}
	}()
	for _, p := range wanted {
		if !p.takesPart(s) || slices.Contains(l.missing, p.binary) {
			continue
		}
		r.entered[p.name] = true
		b := &bout{ctx: ctx, lab: l, scenario: s, peer: p, name: p.name, length: length}
		if err := b.enter(); err != nil {
			r.fail(p.name, err)
			continue
		}
		bouts = append(bouts, b)
	}
	if s.before != nil {
		if err := s.before(l, r, bouts); err != nil {
			return nil, err
		}
	}
	for round := range rounds {
		for _, b := range bouts {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			t, err := s.turn(b)
			r.add(b.name, round, t, err)
			time.Sleep(settle)
			b.forgetLog()
		}
	}
	return r, nil
}

// enter starts the peer and warms it up, if its turns do not do that themselves.
func (b *bout) enter() error {
	if b.scenario.fresh {
		return nil
	}
	if err := b.start(); err != nil {
		return err
	}
	warm := b.scenario.turn
	if b.scenario.warm != nil {
		warm = b.scenario.warm
	}
	if err := b.warmUp(warm); err != nil {
		b.stop()
		return err
	}
	return nil
}

// warmUp is a turn of one second that does not count; a quick run does without.
func (b *bout) warmUp(work func(*bout) (turn, error)) error {
	if b.lab.options.quick {
		return nil
	}
	short := *b
	short.length = time.Second
	if _, err := work(&short); err != nil {
		return fmt.Errorf("warm up: %w\n%s", err, b.child.tail())
	}
	return nil
}

// anew does a turn with a peer that is started for it.
func (b *bout) anew(work func(*bout) (turn, error)) (turn, error) {
	own := *b
	if err := own.start(); err != nil {
		return turn{}, err
	}
	defer own.stop()
	t, err := work(&own)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, own.child.tail())
	}
	return t, err
}

// start runs the peer with its settings for the scenario.
func (b *bout) start() error {
	l, p := b.lab, b.peer
	var err error
	if b.dir, err = l.folder(b.scenario.name + "-" + p.name); err != nil {
		return err
	}
	b.log = filepath.Join(b.dir, "access.log")
	where := site{Dir: b.dir, Settings: filepath.Join(b.dir, "settings"), Log: b.log, Mode: b.scenario.mode,
		Balance: p.balance[cmp.Or(b.scenario.strategy, "least-connections")], Backends: l.endpoints(b.scenario, p)}
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
	env := append([]string{"XDG_RUNTIME_DIR=" + b.dir, "XDG_DATA_HOME=" + b.dir, "XDG_CONFIG_HOME=" + b.dir}, p.env...)
	b.address = where.Listen
	if b.child, err = startChild(p.name, b.dir, env, append([]string{name}, args...)...); err != nil {
		return err
	}
	if err := b.child.awaitListener(b.ctx, "tcp", where.Listen); err != nil {
		b.stop()
		return err
	}
	return nil
}

// forgetLog empties what the peer has written, which may be in memory.
func (b *bout) forgetLog() {
	if b.child == nil {
		return
	}
	for _, path := range []string{b.log, b.child.output} {
		_ = os.Truncate(path, 0) // not each of them writes to both
	}
}

// stop ends the peer and removes what it has written.
func (b *bout) stop() {
	if b.child != nil {
		b.child.stop()
		_ = os.RemoveAll(b.dir) // close tries again
	}
}
