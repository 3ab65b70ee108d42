package process

import "encoding/json"

// Bounds are what a program and all that it starts are held to. The zero value holds it to nothing.
type Bounds struct {
	OpenFiles       int      // of each process; 0: what drover was started with
	OOMScore        int      // how much rather than drover the kernel ends it for want of memory
	NoNewPrivileges bool     // setuid programs and file capabilities give it nothing
	Account         *Account // nil: drover's own
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
	BoundNoNewPrivileges = "noNewPrivileges"
	BoundAccount         = "account"
)

// holding is what the shim does to keep bounds.
type holding struct {
	OpenFiles       uint64   `json:",omitempty"`
	OOMScore        int      `json:",omitempty"`
	NoNewPrivileges bool     `json:",omitempty"`
	Account         *Account `json:",omitempty"`
}

// encode returns it as one text without a zero byte.
func (h holding) encode() string {
	text, err := json.Marshal(h)
	if err != nil { // nothing in it can fail
		panic(err)
	}
	return string(text)
}
