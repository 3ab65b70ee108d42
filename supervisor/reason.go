package supervisor

import "slices"

// Reason is why a worker leaves, or left. The set is closed: it is a metric label.
type Reason string

// Unplanned reasons count against the restart budget.
const (
	ReasonCrash        Reason = "crash"         // ended by a signal or with a status other than 0
	ReasonExit         Reason = "exit"          // ended with status 0 though it was wanted
	ReasonOutOfMemory  Reason = "out-of-memory" // used more than it may, or killed by the kernel for want of memory
	ReasonProbeFailed  Reason = "probe-failed"  // killed because it stopped answering
	ReasonStartTimeout Reason = "start-timeout" // was not ready in time
	ReasonStartFailed  Reason = "start-failed"  // could not be started at all
	ReasonPortStolen   Reason = "port-stolen"   // its port was taken by another process
)

// Planned reasons do not.
const (
	ReasonRoll     Reason = "roll"     // rolling restart
	ReasonWatch    Reason = "watch"    // a file of processManagement.watch changed
	ReasonReload   Reason = "reload"   // the settings it was started with changed
	ReasonRollback Reason = "rollback" // its roll was abandoned
	ReasonScaleIn  Reason = "scale-in"
	ReasonOperator Reason = "operator" // somebody asked for this worker
	ReasonStop     Reason = "stop"     // drover ends

	ReasonMaxRequests Reason = "max-requests" // it served processManagement.maxRequests
	ReasonMaxLifetime Reason = "max-lifetime" // it lived processManagement.maxLifetime
	ReasonMemory      Reason = "memory"       // it used resources.memoryManagement.memoryCriticalThreshold
	ReasonLeak        Reason = "leak"         // its memory leaks and would soon reach its limit
)

var (
	unplanned = []Reason{ReasonCrash, ReasonExit, ReasonOutOfMemory, ReasonProbeFailed, ReasonStartTimeout, ReasonStartFailed, ReasonPortStolen}
	planned   = []Reason{ReasonRoll, ReasonWatch, ReasonReload, ReasonRollback, ReasonScaleIn, ReasonOperator, ReasonStop, ReasonMaxRequests, ReasonMaxLifetime, ReasonMemory, ReasonLeak}
)

// Reasons lists every reason.
func Reasons() []Reason { return slices.Concat(unplanned, planned) }

// Planned reports whether the worker leaves because somebody wanted it to.
func (r Reason) Planned() bool { return slices.Contains(planned, r) }
