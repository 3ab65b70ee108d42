package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// child is one program that bench started; its descendants count with it.
type child struct {
	name   string
	cmd    *exec.Cmd
	output string // file that its output goes to
	done   chan struct{}
}

// startChild runs the program in its own folder. Its output is kept for the message when it fails.
func startChild(name, dir string, env []string, argv ...string) (*child, error) {
	c := &child{name: name, output: filepath.Join(dir, "output.log"), done: make(chan struct{})}
	out, err := os.OpenFile(c.output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = out.Close() }() // the child has its own copy
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = dir, out, out
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.SysProcAttr = endWithUs()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = c.cmd.Wait() // how it ended shows in its output
		close(c.done)
	}()
	return c, nil
}

// awaitListener waits until something accepts at the address.
func (c *child) awaitListener(ctx context.Context, network, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			_ = conn.Close()
			return nil
		}
		select {
		case <-c.done:
			return fmt.Errorf("%s ended at start:\n%s", c.name, c.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s:\n%s", c.name, address, c.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail returns the end of the child's output.
func (c *child) tail() string {
	raw, err := os.ReadFile(c.output)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2000):])
}

// cpu returns what the child and its descendants have used. The guard against a descendant that
// ended in between is that none of the proxies ends one while it serves.
func (c *child) cpu() (cpuTime, error) {
	var sum cpuTime
	for i, pid := range tree(c.cmd.Process.Pid) {
		s, err := readStat(pid)
		if err != nil {
			if i == 0 {
				return sum, err
			}
			continue
		}
		sum.user += s.cpu.user
		sum.system += s.cpu.system
	}
	return sum, nil
}

// rss returns the resident bytes of the child and its descendants.
func (c *child) rss() int64 { return rssOf(tree(c.cmd.Process.Pid)) }

// peakRSS returns the most resident bytes that the child and its descendants have had, each at its time.
func (c *child) peakRSS() (int64, error) {
	var sum int64
	for _, pid := range tree(c.cmd.Process.Pid) {
		peak, err := peakRSS(pid)
		if err != nil {
			return 0, err
		}
		sum += peak
	}
	return sum, nil
}

func rssOf(pids []int) int64 {
	var sum int64
	for _, pid := range pids {
		sum += rss(pid)
	}
	return sum
}

// watchRSS samples until the returned function is called, which returns the highest value. The tree is
// looked up once: walking /proc five times a second would take time from what is measured.
func watchRSS(c *child) func() int64 {
	stop, peak := make(chan struct{}), make(chan int64)
	pids := tree(c.cmd.Process.Pid)
	go func() {
		highest := rssOf(pids)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				highest = max(highest, rssOf(pids))
			case <-stop:
				peak <- max(highest, rssOf(pids))
				return
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-peak
	}
}

// stop asks the child to end and, after two seconds, kills it and its descendants.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-c.done:
		return
	case <-time.After(2 * time.Second):
	}
	for _, pid := range tree(c.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-c.done
}
