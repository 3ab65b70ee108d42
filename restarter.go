package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/filewatch"
	"github.com/drover-proxy/drover/supervisor"
)

// restarter begins a rolling restart of a pool when files change that its
// settings watch.
type restarter struct {
	sup   *supervisor.Supervisor
	rolls *rolls
	log   *zap.Logger
	files *filewatch.Watcher
	due   chan string // the file that changed; buffer 1
}

func newRestarter(sup *supervisor.Supervisor, started *rolls, log *zap.Logger) *restarter {
	r := &restarter{sup: sup, rolls: started, log: log, due: make(chan string, 1)}
	r.files = filewatch.New(func(path string) {
		select {
		case r.due <- path:
		default: // one restart is due already
		}
	})
	return r
}

// set takes what the settings of the pool watch. What cannot be watched is said
// and keeps nothing from working.
func (r *restarter) set(p *config.Pool) {
	if err := r.files.Set(p.Directory, p.ProcessManagement.Watch); err != nil {
		r.log.Error("files are not watched as processManagement.watch says", zap.Error(err))
	}
}

// run restarts until ctx is done.
func (r *restarter) run(ctx context.Context) error {
	watched := make(chan error, 1)
	go func() { watched <- r.files.Run(ctx) }()
	for {
		select {
		case err := <-watched:
			return err
		case path := <-r.due:
			r.restart(ctx, path)
		}
	}
}

// restart begins the rolling restart, after one that is in progress.
func (r *restarter) restart(ctx context.Context, path string) {
	for {
		roll, err := r.sup.RestartChanged()
		if err == nil {
			r.log.Info("a watched file has changed", zap.String("file", path), zap.String("pool", roll.Pool))
			r.rolls.add(roll)
			return
		}
		before := r.sup.Rolling()
		switch {
		case !errors.Is(err, supervisor.ErrRollInProgress):
			return // the pool is being stopped
		case before == nil:
			continue // it has just ended
		}
		select {
		case <-ctx.Done():
			return
		case <-before.Done():
		}
	}
}
