package process

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Main must be the first call of main() and of every TestMain that starts processes: where the
// process was re-executed as shim or guardian it does that work and never returns.
func Main() {}

type Spawner struct{}

type Options struct {
	Guardian  bool // start the guardian (run.go: true)
	Subreaper bool // PR_SET_CHILD_SUBREAPER (run.go: true)
}

// New: one per program; owns wait4(-1).
func New(o Options) (*Spawner, error) { panic("contract") }

// Start returns after execve succeeded; *StartError otherwise.
func (s *Spawner) Start(spec Spec) (*Process, error) { panic("contract") }

// Run starts, waits; when ctx ends it kills the tree (exec checks).
func (s *Spawner) Run(ctx context.Context, spec Spec) (Exit, error) { panic("contract") }

// Close kills what is left, ends the guardian, reaps.
func (s *Spawner) Close() error { panic("contract") }

type Spec struct {
	ID                    string   // the worker id; for logs and for finding escaped descendants
	Argv                  []string // Argv[0] is looked up in the PATH of Env unless it has a slash
	Dir                   string
	Env                   []string   // complete
	Stdin, Stdout, Stderr *os.File   // nil: /dev/null. The caller closes its copies after Start
	Files                 []*os.File // inherited as descriptors 3, 4, …
}

// Check finds what would make Start fail (not found, not executable, directory missing) without starting.
func (s Spec) Check() error { panic("contract") }

// StartError says which step failed; Error() names the remedy.
type StartError struct {
	Op, Path string // Op: lookup, chdir, exec, fork
	Err      error
}

func (e *StartError) Error() string { panic("contract") }
func (e *StartError) Unwrap() error { return e.Err }

type Process struct{}

func (p *Process) PID() int              { panic("contract") }
func (p *Process) Started() time.Time    { panic("contract") }
func (p *Process) Done() <-chan struct{} { panic("contract") } // closed when the direct child was reaped
func (p *Process) Exit() Exit            { panic("contract") } // valid after Done

// Terminate sends the stop signal, then SIGCONT, to the process group.
func (p *Process) Terminate(sig syscall.Signal) error { panic("contract") }

// Kill SIGKILLs the whole tree incl. descendants that left group and session; returns when the tree is empty or after 2 s.
func (p *Process) Kill() { panic("contract") }

// Tree returns the pids of the live members: the process, its descendants, and those that escaped by setsid or double fork.
func (p *Process) Tree() []int { panic("contract") }

// OwnsListener reports whether a member of the tree holds the socket that listens on the address.
// listening false: nobody listens yet. owned false with listening true: somebody else does.
func (p *Process) OwnsListener(network, address string) (listening, owned bool, err error) {
	panic("contract")
}

// Evidence names what a process that stopped answering is doing, over a short look (about 100 ms):
// spin, deadlock, stopped, uninterruptible, exited.
func (p *Process) Evidence() string { panic("contract") }

type Exit struct {
	Code   int            // exit status; -1 when a signal ended it
	Signal syscall.Signal // 0 when it exited
	At     time.Time
}

func (e Exit) String() string { panic("contract") } // "exit status 1", "signal: killed"
