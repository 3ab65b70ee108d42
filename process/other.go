//go:build !linux

package process

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// errNeedsLinux is the answer to everything that starts processes.
var errNeedsLinux = errors.New("starting programs needs Linux (process file descriptors, parent death signals, /proc); " +
	"use drover with static upstreams, or in a Linux container")

// Spawner needs Linux.
type Spawner struct{}

// New returns an error that says that this needs Linux.
func New(Options) (*Spawner, error) { return nil, errNeedsLinux }

// Start needs Linux.
func (s *Spawner) Start(Spec) (*Process, error) { return nil, errNeedsLinux }

// Run needs Linux.
func (s *Spawner) Run(context.Context, Spec) (Exit, error) { return Exit{}, errNeedsLinux }

// Close has nothing to do.
func (s *Spawner) Close() error { return nil }

// Process needs Linux.
type Process struct{}

// PID needs Linux.
func (p *Process) PID() int { return 0 }

// Started needs Linux.
func (p *Process) Started() time.Time { return time.Time{} }

// Held needs Linux.
func (p *Process) Held() []Held { return nil }

// OutOfMemory needs Linux.
func (p *Process) OutOfMemory() bool { return false }

// Charged needs Linux.
func (p *Process) Charged() (bytes uint64, ok bool) { return 0, false }

// Done needs Linux.
func (p *Process) Done() <-chan struct{} { return nil }

// Exit needs Linux.
func (p *Process) Exit() Exit { return Exit{} }

// Terminate needs Linux.
func (p *Process) Terminate(syscall.Signal) error { return errNeedsLinux }

// TerminateRest needs Linux.
func (p *Process) TerminateRest(syscall.Signal) {}

// Kill needs Linux.
func (p *Process) Kill() {}

// LetGo needs Linux.
func (p *Process) LetGo() {}

// Tree needs Linux.
func (p *Process) Tree() []int { return nil }

// Zombies needs Linux.
func (p *Process) Zombies() int { return 0 }

// OwnsListener needs Linux.
func (p *Process) OwnsListener(network, address string) (listening, owned bool, err error) {
	return false, false, errNeedsLinux
}

// Listeners needs Linux.
func (p *Process) Listeners() []string { return nil }

// Evidence needs Linux.
func (p *Process) Evidence() string { return "" }

func shimMain(string) { os.Exit(127) }

func initMain(string) { os.Exit(127) }

func guardianMain(string) { os.Exit(127) }
