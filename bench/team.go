package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// team is a number of workers and what is between them: drover, the primary of Node's cluster, or Redis.
type team struct {
	name     string
	lab      *lab
	dir      string
	listener net.Listener
	children []*child // the first is what is between the workers
	members  []*member
}

// rivals are what drover is compared with where workers are measured, and drover.
var rivals = map[string]func(*team, context.Context, int) error{
	"node-cluster":  (*team).startCluster,
	"redis":         (*team).startRedis,
	"drover":        (*team).startDrover,
	"drover-versus": (*team).startDrover,
}

// startTeam returns once each worker has said who it is.
func (l *lab) startTeam(ctx context.Context, name string, workers int) (*team, error) {
	t := &team{name: name, lab: l}
	if err := t.start(ctx, workers); err != nil {
		err = fmt.Errorf("%w\n%s", err, t.tail())
		t.stop()
		return nil, err
	}
	return t, nil
}

func (t *team) start(ctx context.Context, workers int) (err error) {
	if t.dir, err = t.lab.folder("team-" + t.name); err != nil {
		return err
	}
	if t.listener, err = net.Listen("unix", filepath.Join(t.dir, "control.sock")); err != nil {
		return err
	}
	if err := rivals[t.name](t, ctx, workers); err != nil {
		return err
	}
	return t.gather(workers)
}

// run starts a program of the team with what its workers need to know.
func (t *team) run(program string, env []string, argv ...string) error {
	env = append(env, "BENCH_CONTROL="+t.listener.Addr().String(), "BENCH_SDK="+t.lab.sdk, "XDG_RUNTIME_DIR="+t.dir)
	dir := filepath.Join(t.dir, strconv.Itoa(len(t.children)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	c, err := startChild(program, dir, env, argv...)
	if err == nil {
		t.children = append(t.children, c)
	}
	return err
}

func (t *team) startCluster(_ context.Context, workers int) error {
	return t.run(t.name, []string{"BENCH_WORKERS=" + strconv.Itoa(workers)}, "node", filepath.Join(t.lab.apps, "cluster.js"))
}

func (t *team) startRedis(ctx context.Context, workers int) error {
	socket := filepath.Join(t.dir, "redis.sock")
	// Nothing is written to disk, as with drover's cache unless it is told to.
	if err := t.run(t.name, nil, "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", t.dir); err != nil {
		return err
	}
	if err := t.children[0].awaitListener(ctx, "unix", socket); err != nil {
		return err
	}
	for range workers {
		if err := t.run("worker", []string{"BENCH_REDIS=" + socket}, "node", filepath.Join(t.lab.apps, "worker.js"), "redis"); err != nil {
			return err
		}
	}
	return nil
}

func (t *team) startDrover(_ context.Context, workers int) error {
	values := struct {
		Dir, Listen, Admin, Apps string
		Workers                  int
	}{Dir: t.dir, Apps: t.lab.apps, Workers: workers}
	for _, address := range []*string{&values.Listen, &values.Admin} {
		var err error
		if *address, err = freeAddress(); err != nil {
			return err
		}
	}
	settings := filepath.Join(t.dir, "settings.yaml")
	if err := render("workers.yaml", settings, values); err != nil {
		return err
	}
	return t.run(t.name, nil, t.lab.bins[t.name], "run", "-c", settings)
}

// gather waits until the workers have said who they are.
func (t *team) gather(workers int) error {
	if err := t.listener.(*net.UnixListener).SetDeadline(time.Now().Add(loadTimeout)); err != nil {
		return err
	}
	for range workers {
		conn, err := t.listener.Accept()
		if err != nil {
			return fmt.Errorf("%d of %d workers are there: %w", len(t.members), workers, err)
		}
		m := &member{conn: conn, answers: json.NewDecoder(conn)}
		t.members = append(t.members, m)
		if err := m.answers.Decode(&m.identity); err != nil {
			return fmt.Errorf("a worker does not say who it is: %w", err)
		}
	}
	return nil
}

// cpu is what has been used between the workers, and by the workers.
func (t *team) cpu() (between, workers cpuTime, err error) {
	s, err := readStat(t.children[0].cmd.Process.Pid)
	if err != nil {
		return between, workers, err
	}
	for _, m := range t.members {
		one, err := readStat(m.PID)
		if err != nil {
			return between, workers, err
		}
		workers.user += one.cpu.user
		workers.system += one.cpu.system
	}
	return s.cpu, workers, nil
}

// tail is the end of what its programs have said.
func (t *team) tail() string {
	var all string
	for _, c := range t.children {
		all += c.tail()
	}
	return all
}

func (t *team) stop() {
	var errs []error
	for _, m := range t.members {
		errs = append(errs, m.conn.Close())
	}
	for _, c := range t.children {
		c.stop()
	}
	if t.listener != nil {
		errs = append(errs, t.listener.Close())
	}
	_ = errors.Join(errs...) // all is over
	_ = os.RemoveAll(t.dir)  // close tries again
}
