package process

import (
	"fmt"
	"syscall"
	"time"
)

// Exit is how a process ended.
type Exit struct {
	Code   int            // exit status, 0 to 255; -1 when a signal ended it
	Signal syscall.Signal // what ended it; 0 when it exited by itself
	At     time.Time      // when drover took notice
}

// String is "exit status 1" or "signal: killed".
func (e Exit) String() string {
	if e.Signal != 0 {
		return "signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

func exitOf(status syscall.WaitStatus, at time.Time) Exit {
	if status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal(), At: at}
	}
	return Exit{Code: status.ExitStatus(), At: at}
}
