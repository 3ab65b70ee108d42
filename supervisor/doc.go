// Package supervisor decides what becomes of worker processes: slots and
// generations, readiness, restart with backoff and budget, rolling restart,
// scaling, draining and stopping.
//
// It owns the life of each worker of one pool (the table in state.go) and tells
// the pool which upstreams there are. It does not fork or wait (process does),
// does not choose who gets a request (pool and strategy do), and does not probe
// (healthcheck does; the supervisor reads the result from the upstream).
//
//	s, err := supervisor.New(supervisor.Options{Pool: p, Config: cfg, Starter: spawner, …})
//	go s.Run(ctx)                 // starts workers; returns when ctx is done and all are gone
//	err = s.Scale(4)
//	roll, err := s.Restart()      // rolling: new ready before old drains
//	<-roll.Done()
//	err = roll.Err()              // ErrRolledBack: the old workers keep serving
//
// One goroutine per worker owns its process (runner.go). Everything else is one
// level-triggered comparison of what is wanted with what is (tick.go), under one
// lock; a missed notification costs one tick.
//
// With transport auto, Node.js and Bun are given scripts (preload): listen.cjs puts
// a server on the worker's socket where the program asks for its port, runtime.cjs
// reports of event loop and heap and collects garbage when it is asked to, and
// modules.cjs (for Python sitecustomize.py) refuses what security.modules forbids.
package supervisor
