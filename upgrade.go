package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/process"
	"github.com/drover-proxy/drover/supervisor"
)

const (
	// helloTime is how long a program may take to say that it is a drover.
	helloTime = 30 * time.Second
	// takeTime is how long a drover whose workers are ready may take to begin to accept.
	takeTime = 30 * time.Second
	// closeTime bounds waiting for the admin API to be the new drover's alone.
	closeTime = 5 * time.Second
)

// Upgrade starts drover's program anew and hands over to it. It returns when
// the new one serves, and this one drains, or when this one goes on.
func (b backend) Upgrade(ctx context.Context) (admin.Upgraded, error) {
	type outcome struct {
		result admin.Upgraded
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		result, err := b.d.upgrade()
		ended <- outcome{result, err}
	}()
	var o outcome
	select {
	case o = <-ended:
	case <-ctx.Done():
		select {
		case <-b.d.replaced: // this drover ends, and with it waits of its clients
			o = <-ended
		default: // it goes on, and an event tells how it ends
			return o.result, ctx.Err()
		}
	}
	if o.err == nil {
		// Whoever asks next is to meet the new one.
		select {
		case <-b.d.admin.Closing():
		case <-time.After(closeTime):
		}
	}
	return o.result, o.err
}

// upgrade is Upgrade, its outcome told by an event.
func (d *drover) upgrade() (admin.Upgraded, error) {
	result, err := d.handOver()
	e := event.Event{Kind: event.Upgraded, Subject: "drover", Message: fmt.Sprintf("drover %s, pid %d, has taken over", result.Version, result.PID)}
	if err != nil {
		e.Kind, e.Message = event.UpgradeFailed, "this drover goes on: "+outcome(err)
	}
	d.bus.Publish(e)
	if err == nil {
		close(d.replaced)
	}
	return result, err
}

func (d *drover) handOver() (result admin.Upgraded, err error) {
	if err := d.beginUpgrade(); err != nil {
		return result, err
	}
	defer func() {
		if err != nil { // or nothing else is to begin: this drover ends
			d.endUpgrade()
		}
	}()
	h, err := d.raise()
	if err != nil {
		return result, admin.Conflict("%v", err)
	}
	defer h.control.close()
	if err := d.guide(h); err != nil {
		h.process.Kill()
		return result, err
	}
	return admin.Upgraded{PID: h.process.PID(), Version: h.version}, nil
}

// beginUpgrade refuses what cannot be, and keeps reloads away.
func (d *drover) beginUpgrade() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	switch {
	case os.Getpid() == 1:
		return admin.Conflict("drover is PID 1 here, and all processes of the container end with it; start a container with the new program instead, or run drover under a small init (docker run --init does not do: it ends with the first drover)")
	case d.stopping:
		return admin.Conflict("drover is stopping")
	case d.upgrading:
		return admin.Conflict("an upgrade is going on already")
	}
	d.upgrading = true
	return nil
}

func (d *drover) endUpgrade() {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.upgrading = false
}

// heir is the new drover as the old one sees it.
type heir struct {
	process *process.Process
	control *control
	version string
}

// raise starts the program with everything that it inherits.
func (d *drover) raise() (*heir, error) {
	ours, theirs, err := controlPair()
	if err != nil {
		return nil, err
	}
	files := []*os.File{theirs}
	defer func() {
		for _, f := range files {
			_ = f.Close() // the new one has its own
		}
	}()
	legacy := inheritance{Control: 3, Workers: map[string]int{}, Needed: map[string]int{}, Legacies: map[string]supervisor.Legacy{}, Marks: map[string][]pool.Mark{}}
	enter := func(open map[string]*os.File, err error) (map[string]int, error) {
		numbers := map[string]int{}
		for key, f := range open {
			numbers[key] = 3 + len(files)
			files = append(files, f)
		}
		return numbers, err
	}
	if legacy.Listeners, err = enter(d.front.Files()); err == nil {
		legacy.Admin, err = enter(d.admin.Files())
	}
	if err != nil {
		ours.close()
		return nil, err
	}
	for _, u := range d.allUnits() {
		if len(u.pool.Snapshot().Upstreams) > 0 {
			legacy.Serving = append(legacy.Serving, u.pool.Name())
		}
		legacy.Marks[u.pool.Name()] = u.pool.Marks()
		if u.sup == nil {
			continue
		}
		legacy.Legacies[u.pool.Name()] = u.sup.Leave()
		if c := u.sup.Capacity(); c.Manual {
			legacy.Workers[u.pool.Name()] = c.Wanted
		} else {
			legacy.Needed[u.pool.Name()] = c.Wanted
		}
	}
	text, err := json.Marshal(legacy)
	if err == nil {
		var p *process.Process
		p, err = d.spawner.Start(process.Spec{
			Argv: append([]string{d.executable}, os.Args[1:]...), Env: append(append(os.Environ(), d.manager.environ()...), handoverEnv+"="+string(text)),
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Files: files, Outlives: true,
		})
		if err == nil {
			return &heir{process: p, control: ours}, nil
		}
	}
	ours.close()
	return nil, err
}

// guide leads the new drover through its steps. When it returns nil the new one
// serves; when not, it has to go.
func (d *drover) guide(h *heir) error {
	hello, err := h.await(stepHello, helloTime)
	if err != nil {
		return err
	}
	h.version = hello.Version
	if _, err := h.await(stepReady, 0); err != nil { // it has a limit of its own
		return err
	}
	d.reloading.Lock() // nothing is to stop drover in the middle of it
	defer d.reloading.Unlock()
	if d.stopping {
		return admin.Conflict("drover is stopping")
	}
	// From the next word on it serves, also if this drover is killed then; until then it ends by itself.
	h.process.LetGo()
	if err := h.control.say(notice{Step: stepGo, Cache: d.leaveCache()}); err != nil {
		return admin.Conflict("the new drover is gone: %v", err)
	}
	if _, err := h.await(stepTaken, takeTime); err != nil {
		return err
	}
	d.manager.tell(d.log, "MAINPID=%d", h.process.PID()) // only the main process may say so, and that is this one
	d.front.HandOver()
	d.admin.HandOver()
	if d.cache != nil {
		d.cache.file = "" // it is the new one's to keep
	}
	return nil
}

// await waits for a step of the new drover; limit 0 is none.
func (h *heir) await(step string, limit time.Duration) (notice, error) {
	deadline := time.Time{}
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	if err := h.control.conn.SetReadDeadline(deadline); err != nil {
		return notice{}, err
	}
	n, err := h.control.next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, admin.Conflict("the new program did not say %q within %s; is it a drover that can take over?", step, limit)
	case errors.Is(err, errGone):
		return n, admin.Conflict("the new program ended before it could take over: %s; what it said is in drover's output", h.end())
	case n.Step == stepFailed && len(n.Faults) > 0:
		return n, admin.BadSettings(n.Message, n.Faults)
	case n.Step == stepFailed:
		return n, admin.Conflict("%s", n.Message)
	case err != nil || n.Step != step:
		return n, admin.Conflict("the new program did not say %q; is it a drover that can take over?", step)
	}
	return n, nil
}

// end is how the process has ended, which it does when its socket is closed.
func (h *heir) end() string {
	select {
	case <-h.process.Done():
		return h.process.Exit().String()
	case <-time.After(time.Second):
		return "it closed its control socket"
	}
}

// leaveCache writes the shared cache for the new drover, and returns the file;
// nothing where there is no cache, or no room for it.
func (d *drover) leaveCache() string {
	if d.cache == nil {
		return ""
	}
	path := filepath.Join(d.dir.path, "handover.cache")
	if _, err := d.cache.store.Save(path); err != nil {
		d.log.Warn("hand the cache over; the new drover begins with what it has read itself", zap.Error(err))
		return ""
	}
	return path
}
