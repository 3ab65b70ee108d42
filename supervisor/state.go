package supervisor

import "fmt"

// State is where a worker's process is in its life. Why it leaves a state is a
// Reason, never another state.
type State uint8

// The states, as they are named in the admin API.
const (
	Stopped  State = iota // no process, and none is due
	Starting              // the process runs and is not ready
	Running               // ready
	Draining              // gets nothing new; requests in flight end
	Stopping              // was told to end
	Backoff               // no process; the next is started soon
	Failed                // the restart budget is spent; tried again now and then
)

// States lists every state, in the order of a worker's life.
func States() []State {
	return []State{Stopped, Starting, Running, Draining, Stopping, Backoff, Failed}
}

// String returns the name used in the admin API and in metrics.
func (s State) String() string {
	return [...]string{"stopped", "starting", "running", "draining", "stopping", "backoff", "failed"}[s]
}

// Live reports whether a worker in this state has, or may have, a process.
func (s State) Live() bool {
	return s == Starting || s == Running || s == Draining || s == Stopping
}

// input is something that happens to a worker.
type input uint8

const (
	inStart         input = iota // operator, new settings, scale out
	inAddress                    // its listener was found and verified
	inReady                      // the first probe passed, or its own word
	inStartTimeout               // it was not ready in time
	inStop                       // it is to end: roll, scale in, operator, stop
	inProbesFailed               // the liveness rule says that it hangs
	inOverLimit                  // it uses more memory than it may
	inDrained                    // no requests left, or the drain timeout
	inKillTimeout                // it did not end after the stop signal
	inExitPlanned                // it ended as planned and is still wanted
	inExitFailed                 // it ended by a failure and is still wanted
	inExitExhausted              // the same, and the restart budget is spent
	inExitUnwanted               // it ended and is no longer wanted
	inRetry                      // the delay is over
	inputs                       // their number
)

func (i input) String() string {
	return [...]string{"start", "address known", "ready", "start timeout", "stop", "probes failed", "over limit", "drained", "kill timeout",
		"planned exit", "failed exit", "exit with the budget spent", "unwanted exit", "retry"}[i]
}

// action is what the supervisor does on a step.
type action uint8

const (
	actNone      action = iota
	actSpawn            // start a process of the next generation, arm the start timeout
	actAdd              // put the upstream into the pool as starting; probes begin
	actServe            // it gets requests; drain the generation it replaces
	actDrain            // drain the upstream
	actTerminate        // remove the upstream, stop signal, arm the kill timer
	actDestroy          // remove the upstream, keep evidence, SIGKILL the tree
	actSlay             // remove the upstream, SIGKILL the tree at once
	actKill             // SIGKILL the tree
	actDelay            // remove the upstream, wait for what the restart policy says
	actFail             // the same, raise an event; the pool is degraded
	actForget           // remove the upstream
)

type step struct {
	next State
	do   action
}

// table is the life of a worker. A pair that is missing cannot happen; next
// says so instead of swallowing it.
var table = map[State]map[input]step{
	Stopped: {
		inStart: {Starting, actSpawn},
	},
	Starting: {
		inAddress:       {Starting, actAdd},
		inReady:         {Running, actServe},
		inStartTimeout:  {Stopping, actTerminate},
		inStop:          {Stopping, actTerminate},
		inOverLimit:     {Stopping, actSlay},
		inExitFailed:    {Backoff, actDelay},
		inExitExhausted: {Failed, actFail},
		inExitUnwanted:  {Stopped, actForget},
	},
	Running: {
		inStop:          {Draining, actDrain},
		inProbesFailed:  {Stopping, actDestroy},
		inOverLimit:     {Stopping, actSlay},
		inExitFailed:    {Backoff, actDelay},
		inExitExhausted: {Failed, actFail},
		inExitUnwanted:  {Stopped, actForget},
	},
	Draining: {
		inDrained:      {Stopping, actTerminate},
		inOverLimit:    {Stopping, actSlay},
		inExitPlanned:  {Starting, actSpawn},
		inExitUnwanted: {Stopped, actForget},
	},
	Stopping: {
		inKillTimeout:   {Stopping, actKill},
		inOverLimit:     {Stopping, actSlay},
		inExitPlanned:   {Starting, actSpawn},
		inExitFailed:    {Backoff, actDelay},
		inExitExhausted: {Failed, actFail},
		inExitUnwanted:  {Stopped, actForget},
	},
	Backoff: {
		inRetry: {Starting, actSpawn},
		inStop:  {Stopped, actForget},
	},
	Failed: {
		inStart: {Starting, actSpawn},
		inRetry: {Starting, actSpawn},
		inStop:  {Stopped, actForget},
	},
}

// next is the pure step of the life of a worker.
func next(s State, in input) (step, error) {
	st, ok := table[s][in]
	if !ok {
		return step{s, actNone}, fmt.Errorf("a worker that is %s cannot take the input %q", s, in)
	}
	return st, nil
}
