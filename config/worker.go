package config

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// ProcessManagement is how workers are started, restarted and stopped.
type ProcessManagement struct {
	// Whether a worker that ended by itself is started again.
	Respawn bool `yaml:"respawn" reload:"apply"`
	// So many unplanned exits of one slot within restartWindow make it failed: it is only tried every maxRestartDelay; 0 is the same as 1.
	MaxRestarts int `yaml:"maxRestarts" range:"0..1000000" reload:"apply"`
	// The time over which maxRestarts counts.
	RestartWindow Duration `yaml:"restartWindow" range:"1ms..24h" reload:"apply"`
	// The wait before the first restart; it doubles with each further one.
	RestartDelay Duration `yaml:"restartDelay" range:"0..24h" reload:"apply"`
	// The longest wait before a restart.
	MaxRestartDelay Duration `yaml:"maxRestartDelay" range:"1ms..24h" reload:"apply"`
	// What makes a worker ready: probe is the first passed health check, notify the worker's own word.
	Ready string `yaml:"ready" enum:"probe,notify" reload:"roll"`
	// How long a worker may take to become ready before it is stopped and counted as failed.
	StartTimeout Duration `yaml:"startTimeout" range:"1ms..24h" reload:"apply"`
	// From the stop signal to SIGKILL.
	GracefulShutdownTimeout Duration `yaml:"gracefulShutdownTimeout" range:"0..24h" reload:"apply"`
	// The signal that asks a worker to end.
	StopSignal string `yaml:"stopSignal" enum:"SIGTERM,SIGINT,SIGQUIT,SIGHUP,SIGUSR1,SIGUSR2,SIGWINCH,SIGKILL" reload:"apply"`
	// Whether a worker is told of whose ended children pile up, since it does not wait for them.
	ZombieDetection bool `yaml:"zombieDetection" reload:"apply"`
	// A signal on which a worker writes down what it is doing, sent to one that hangs before it is killed; empty: none.
	DumpSignal string `yaml:"dumpSignal" enum:",SIGQUIT,SIGABRT,SIGUSR1,SIGUSR2,SIGHUP,SIGINT,SIGTRAP" reload:"apply"`
	// Requests after which a worker is replaced, the replacement first; 0 is no such limit.
	MaxRequests int `yaml:"maxRequests" range:"0..1000000000" reload:"apply"`
	// How long after it became ready a worker is replaced, the replacement first; 0 is no such limit.
	MaxLifetime Duration `yaml:"maxLifetime" range:"0s..87600h" reload:"apply"`
	// How much earlier than maxRequests and maxLifetime say a worker may be replaced, by chance, so that not all are at one time.
	RecycleJitter Percent `yaml:"recycleJitter" reload:"apply"`
	// How many workers a rolling restart, and any other planned replacement, may take at one time.
	Rolling Rolling `yaml:"rolling"`
	// Files below directory whose change begins a rolling restart, as patterns: src/**/*.js.
	Watch []string `yaml:"watch" reload:"apply"`
}

// Signal returns StopSignal as a number, or SIGTERM when it names none.
func (p ProcessManagement) Signal() syscall.Signal {
	if sig := unix.SignalNum(p.StopSignal); sig != 0 {
		return sig
	}
	return syscall.SIGTERM
}

// Dump returns DumpSignal as a number, 0 when it names none.
func (p ProcessManagement) Dump() syscall.Signal { return unix.SignalNum(p.DumpSignal) }

// Rolling bounds a rolling restart and every other planned replacement.
type Rolling struct {
	// Workers that may run beyond the wanted number.
	MaxSurge int `yaml:"maxSurge" range:"0..1024" reload:"apply"`
	// Workers that may be missing from the wanted number.
	MaxUnavailable int `yaml:"maxUnavailable" range:"0..1024" reload:"apply"`
}

// HealthCheck is the active probe of each upstream.
type HealthCheck struct {
	// Whether upstreams are probed; when not, a worker is ready as soon as it listens, or where nothing sends it requests, when it has run for a second.
	Enabled bool `yaml:"enabled" reload:"apply"`
	// What the probe is: http asks, tcp connects, exec runs a command, ipc asks over the worker's channel.
	Type string `yaml:"type" enum:"http,tcp,exec,ipc" reload:"apply"`
	// The path that an http probe asks for; empty asks for / and takes any status below 500.
	Endpoint string `yaml:"endpoint" reload:"apply"`
	// The program of an exec probe, which passes with exit status 0.
	Command []string `yaml:"command" reload:"apply"`
	// From one probe of an upstream to the next.
	Interval Duration `yaml:"interval" range:"10ms..24h" reload:"apply"`
	// How long a probe may take; not more than the interval.
	Timeout Duration `yaml:"timeout" range:"1ms..24h" reload:"apply"`
	// Failed probes in a row that make an upstream unhealthy.
	MaxFailures int `yaml:"maxFailures" range:"1..1000" reload:"apply"`
	// Passed probes in a row that make it healthy again.
	MinSuccesses int `yaml:"minSuccesses" range:"1..1000" reload:"apply"`
	// The statuses of the endpoint that pass, as in 200-399,404.
	ExpectStatus string `yaml:"expectStatus" reload:"apply"`
	// Text that the endpoint's answer must contain; empty takes any.
	ExpectBody string `yaml:"expectBody" reload:"apply"`
}
