package pool

import (
	"errors"
	"syscall"
	"time"
)

// Result says how an exchange with an upstream ended, from the upstream's point of view.
type Result uint8

// The results. Neutral counts neither for nor against the upstream: the client
// went away, sent something wrong, or drover itself refused.
const (
	Success       Result = iota // a complete answer; Outcome.Status says which
	Neutral                     // the client's doing or ours
	ConnectFailed               // no connection: refused, unreachable, connect timeout
	Reset                       // closed or reset before the answer was complete
	Timeout                     // no first byte, or silence in the middle
	Invalid                     // not HTTP
)

// Outcome is what Lease.Release is told about an exchange.
type Outcome struct {
	Result  Result
	Status  int           // the upstream's status, 0 where there is none (L4, no answer)
	Latency time.Duration // to the first byte of the answer (L4: to the connection); 0 if none came
	At      time.Time     // when it was known; zero: now
}

// blamed tells whether the outlier rule counts it: the upstream did not answer,
// or said itself that it cannot (502, 503, 504). A 500 is the application's.
func (o Outcome) blamed() bool {
	switch o.Result {
	case Success:
		return o.Status >= 502 && o.Status <= 504
	case Neutral:
		return false
	default:
		return true
	}
}

// failed tells whether the breaker counts it as a failure: what is blamed, and 500.
func (o Outcome) failed() bool {
	return o.blamed() || o.Result == Success && o.Status == 500
}

// verdict is the outcome in the breaker's words.
func (o Outcome) verdict() error {
	switch {
	case o.Result == Neutral:
		return errNeutral
	case o.failed():
		return errFailed
	default:
		return nil
	}
}

// OwnFault tells whether a connection could not be made because drover, or the
// machine, is short of descriptors, memory or local ports: nobody was asked, so
// nobody is to blame. EAGAIN of a connect is not among them: that is a Unix
// socket whose owner does not accept.
func OwnFault(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
