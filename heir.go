package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/cli"
	"github.com/drover-proxy/drover/config"
)

// legacy is what this drover takes over from another one.
type legacy struct {
	inheritance
	control   *control
	listeners map[string]*os.File
	admin     map[string]*os.File
	news      chan notice // what the old one says; closed when it is gone
}

// claim reads what was inherited; nil where drover was started in the ordinary way.
func claim() (*legacy, error) {
	text, ok := os.LookupEnv(handoverEnv)
	if !ok {
		return nil, nil
	}
	if err := os.Unsetenv(handoverEnv); err != nil { // it is not for workers
		return nil, err
	}
	l := &legacy{news: make(chan notice, 1)}
	if err := json.Unmarshal([]byte(text), &l.inheritance); err != nil {
		return nil, fmt.Errorf("%s is set by an upgrade, not by hand: %w", handoverEnv, err)
	}
	file := func(number int, name string) *os.File {
		syscall.CloseOnExec(number)
		return os.NewFile(uintptr(number), name)
	}
	files := func(numbers map[string]int) map[string]*os.File {
		out := map[string]*os.File{}
		for key, number := range numbers {
			out[key] = file(number, key)
		}
		return out
	}
	l.listeners, l.admin = files(l.Listeners), files(l.Admin)
	f := file(l.Control, "control")
	defer f.Close() // newControl has a copy
	var err error
	if l.control, err = newControl(f); err != nil {
		return nil, err
	}
	go func() {
		defer close(l.news)
		for {
			n, err := l.control.next()
			if err != nil {
				return
			}
			l.news <- n
		}
	}()
	return l, l.control.say(notice{Step: stepHello, Version: cli.ReadBuild(version).Version})
}

// fail tells the old drover why this one does not take over.
func (l *legacy) fail(err error) {
	if l == nil {
		return
	}
	n := notice{Step: stepFailed, Message: err.Error()}
	var faults config.Faults
	if errors.As(err, &faults) {
		n.Message = "the settings are wrong; this drover goes on with those it has"
		for _, f := range faults {
			n.Faults = append(n.Faults, f.Error())
		}
	}
	_ = l.control.say(n) // it may be gone
	l.control.close()
}

// opened closes the descriptors: the listeners that the settings name have their own by now.
func (l *legacy) opened() {
	for _, set := range []map[string]*os.File{l.listeners, l.admin} {
		for _, f := range set {
			_ = f.Close()
		}
		clear(set) // what a reload opens later is opened anew
	}
}

// errStopped says that a stop was asked for before drover took over.
var errStopped = errors.New("the new drover was told to stop")

// succeed waits until the workers are ready, and for the word of the old drover;
// after take this one serves. An error says why it does not.
func (d *drover) succeed(signals <-chan os.Signal, take func()) error {
	if err := d.prepare(signals); err != nil {
		return err
	}
	if err := d.legacy.control.say(notice{Step: stepReady}); err != nil {
		return err
	}
	n, ok := <-d.legacy.news
	if !ok || n.Step != stepGo {
		return errors.New("the old drover did not hand over")
	}
	if n.Cache != "" && d.cache != nil {
		if _, err := d.cache.store.Load(n.Cache); err != nil { // what is good in it was taken
			d.log.Warn("take over the cache", zap.Error(err))
		}
	}
	d.front.TakeOver(maps.Keys(d.legacy.Listeners))
	take()
	d.endUpgrade()                                    // the next one, or a reload, may follow at once
	_ = d.legacy.control.say(notice{Step: stepTaken}) // also if it is gone by now: somebody has to serve
	d.legacy.control.close()
	return nil
}

// prepare waits until every pool can do what it should.
func (d *drover) prepare(signals <-chan os.Signal) error {
	limit := time.NewTimer(d.startLimit())
	defer limit.Stop()
	look := time.NewTicker(hopelessEvery / 10)
	defer look.Stop()
	for {
		lack := d.lack()
		if lack == "" {
			return nil
		}
		select {
		case sig := <-signals:
			if !d.handled(sig) {
				return errStopped
			}
		case _, ok := <-d.legacy.news:
			if !ok {
				return errors.New("the old drover is gone")
			}
		case err := <-d.failed:
			return err
		case <-look.C:
			for _, u := range d.allUnits() {
				if u.sup == nil {
					continue
				}
				if hopeless, why := u.sup.Hopeless(); hopeless {
					return fmt.Errorf("pool %s: %s", u.pool.Name(), why)
				}
			}
		case <-limit.C:
			return errors.New(lack)
		}
	}
}

// startLimit is the longest that a worker may take to be ready, and a rest for the machine.
func (d *drover) startLimit() time.Duration {
	longest := time.Duration(0)
	for _, p := range d.current().Pools {
		longest = max(longest, p.ProcessManagement.StartTimeout.Std())
	}
	return longest + 10*time.Second
}

// lack is what is missing before this drover can take over; nothing when it can.
// Pools of addresses must be no worse than those of the old one.
func (d *drover) lack() string {
	for _, u := range d.allUnits() {
		name := u.pool.Name()
		if u.sup == nil {
			if slices.Contains(d.legacy.Serving, name) && len(u.pool.Snapshot().Upstreams) == 0 {
				return "pool " + name + " has no ready upstream"
			}
			continue
		}
		c := u.sup.Capacity()
		if ready, wanted := u.sup.Ready(), c.Wanted-c.Held; ready < wanted {
			text := fmt.Sprintf("pool %s: %d of %d workers became ready", name, ready, wanted)
			for _, w := range u.sup.Workers() {
				if w.LastWords != "" {
					text += "; worker " + w.ID + ": " + w.LastWords
					break
				}
			}
			return text
		}
	}
	return ""
}

// goOn begins where the old drover is: with as many workers as an operator, or
// the load, wanted of it, the generations that follow its own, and what operators
// have said of slots and upstreams.
func (d *drover) goOn() {
	for _, u := range d.allUnits() {
		u.pool.SetMarks(d.legacy.Marks[u.pool.Name()])
		if u.sup != nil {
			u.sup.Inherit(d.legacy.Legacies[u.pool.Name()])
		}
	}
	for name, n := range d.legacy.Workers {
		if u := d.unit(name); u != nil && u.sup != nil {
			if err := u.sup.Scale(n); err != nil {
				d.log.Warn("keep the number of workers", zap.String("pool", name), zap.Error(err))
			}
		}
	}
	for name, n := range d.legacy.Needed {
		if u := d.unit(name); u != nil && u.sup != nil {
			u.sup.Adjust(n, "upgrade", "as many as the drover before had", nil) // does nothing where autoscaling is off
		}
	}
}
