package supervisor

import (
	"os"
	"syscall"
	"time"

	"github.com/drover-proxy/drover/process"
)

// Starter starts processes; *process.Spawner does.
type Starter interface {
	Start(process.Spec) (*process.Process, error)
}

// Channel opens what a worker and drover say to each other over.
type Channel interface {
	Open(workerID string) (Endpoint, error)
}

// Endpoint is drover's side of the channel to one worker; *ipc.Endpoint is one.
type Endpoint interface {
	File() *os.File               // the worker's end; the supervisor closes it after the start
	NotifySocket() string         // path for NOTIFY_SOCKET
	Link() (socket, key string)   // where a program that did not inherit the channel connects to, and the key it shows there
	Ready() <-chan struct{}       // closed when the worker has said that it is ready
	Shutdown(grace time.Duration) // tells the worker that it will be stopped; never waits
	Collect()                     // asks the worker to collect its garbage; never waits
	Exited()                      // tells that the worker's own process has ended
	Close() error
}

// Output opens what a worker writes to; *logs.Collector does. The supervisor
// closes both files after the start; a nil file is /dev/null. Release tells that
// nothing of the worker is left that could write.
type Output interface {
	Open(workerID, pool string) (stdout, stderr *os.File, err error)
	Release(workerID string)
}

// proc is a started process as the supervisor sees it: *process.Process, or a
// test's own.
type proc interface {
	PID() int
	Done() <-chan struct{}
	Exit() process.Exit
	Terminate(sig syscall.Signal) error
	TerminateRest(sig syscall.Signal)
	Kill()
	Tree() []int
	Zombies() int
	OwnsListener(network, address string) (listening, owned bool, err error)
	Listeners() []string
	Evidence() string
	Held() []process.Held
	OutOfMemory() bool
	Charged() (bytes uint64, ok bool)
}

// launcher starts a process.
type launcher func(process.Spec) (proc, error)

func launchWith(s Starter) launcher {
	return func(spec process.Spec) (proc, error) {
		p, err := s.Start(spec)
		if err != nil {
			return nil, err // not a nil *process.Process in an interface
		}
		return p, nil
	}
}
