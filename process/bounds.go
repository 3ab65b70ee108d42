package process

import "encoding/json"

// Bounds are what a program and all that it starts are held to. The zero value holds it to nothing.
type Bounds struct {
	OpenFiles       int      // of each process; 0: what drover was started with
	Memory          int64    // bytes, of all together
	CPU             int      // percent of one core, of all together
	Processes       int      // processes and threads, of all together
	OOMScore        int      // how much rather than drover the kernel ends it for want of memory
	NoNewPrivileges bool     // setuid programs and file capabilities give it nothing
	Account         *Account // nil: drover's own
	PrivateNetwork  bool     // it has a loopback device of its own, and no other; needs root
	PrivatePIDs     bool     // it sees only what it has started, and ends with drover and all of it with it; needs root
	Sandbox         *Sandbox // nil: it may reach all that its user may; else NoNewPrivileges holds, too
}

// Account is the user that a program runs as.
type Account struct {
	UID, GID int
	Groups   []int // supplementary
}

// Level says how well a bound is kept.
type Level string

// The levels, best first.
const (
	LevelKernel   Level = "kernel"   // the kernel keeps it for the program and all that it starts
	LevelPartial  Level = "partial"  // the kernel keeps a part of it
	LevelPerUser  Level = "per-user" // the kernel keeps it for all that the user runs together
	LevelSampled  Level = "sampled"  // drover looks now and then, and ends what is above
	LevelAdvisory Level = "advisory" // it is asked for and not enforced
	LevelNone     Level = "none"     // nothing keeps it
)

// Held is how one bound of a started program is kept.
type Held struct {
	Bound string // one of the Bound constants
	Level Level
	Why   string // why the level is not LevelKernel
}

// What Held names.
const (
	BoundOpenFiles       = "openFiles"
	BoundMemory          = "memory"
	BoundCPU             = "cpu"
	BoundProcesses       = "processes"
	BoundNoNewPrivileges = "noNewPrivileges"
	BoundAccount         = "account"
	BoundNetwork         = "network"
	BoundPIDs            = "pids"
	BoundSandbox         = "sandbox"
)

// holding is what the shim does to keep bounds.
type holding struct {
	OpenFiles       uint64   `json:",omitempty"`
	UserProcesses   uint64   `json:",omitempty"` // RLIMIT_NPROC
	CPUs            int      `json:",omitempty"` // how many to run on
	Nice            int      `json:",omitempty"`
	Groups          []string `json:",omitempty"` // cgroup.procs of the control groups
	OOMScore        int      `json:",omitempty"`
	NoNewPrivileges bool     `json:",omitempty"`
	Account         *Account `json:",omitempty"`
	Loopback        bool     `json:",omitempty"` // is to be switched on
	Sandbox         *Sandbox `json:",omitempty"`
	Landlock        int      `json:",omitempty"` // the version, 0: none
	Seccomp         bool     `json:",omitempty"`

	entrances []int // the Groups, open, in the shim
}

// encode returns it as one text without a zero byte.
func (h holding) encode() string {
	text, err := json.Marshal(h)
	if err != nil { // nothing in it can fail
		panic(err)
	}
	return string(text)
}
