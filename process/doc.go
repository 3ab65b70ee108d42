// Package process is the only place of drover that starts, waits for and ends programs.
//
// It owns the one thread that forks, the one place that waits, the small step between fork and
// execve (the shim), process trees and who listens on a port, and the guardian: a second process
// that ends all trees when drover itself was killed. It does not know what a worker is for, when
// one should run, what became of it, or where its output goes; the supervisor does. Nothing else in
// the program may use os/exec or wait for children.
//
//	func main() {
//		process.Main() // first: the shim and the guardian never get further
//		…
//		spawner, err := process.New(process.Options{Guardian: true, Subreaper: true})
//		defer spawner.Close()
//		p, err := spawner.Start(process.Spec{ID: "app-1.1", Argv: argv, Env: env, Stdout: w})
//		…
//		p.Terminate(syscall.SIGTERM)
//		<-p.Done() // or a timer, then p.Kill()
//		log(p.Exit().String())
//	}
//
// # How a program is started
//
// One goroutine, locked to a thread that lives as long as the Spawner, forks: Pdeathsig fires when
// the forking thread ends, not when the process does. The child re-executes drover as "drover-shim",
// which restores what a Go program changes (signals, the limit of open files), closes every
// descriptor that is not meant for the target, checks that drover is still its parent, changes the
// folder, sets what Spec.Bounds hold the target to (limits, user, control group, sandbox) and executes
// it. A socket pair carries what to run to the shim and a failure back; that it is closed without one
// means that execve succeeded. The target is the leader of a session of its own.
//
// With Bounds.PrivatePIDs there is an init in between: drover forks "drover-init" as the first process
// of a PID and a mount namespace, which mounts a /proc of its own and starts the shim as its child. It
// passes signals on, waits for orphans, tells drover how the target ended over a socket, and when it
// ends, by itself, by Kill or with drover, the kernel kills all that is left. What is said of a
// Process is about the target: PID, Exit, Tree and Evidence leave the init out.
//
// # What belongs to a process
//
// Its tree: its descendants, all that live in a session or group that one of them leads, and what
// left both, which is in its control group where it has one, or is recognised by having been seen in
// the tree earlier, or by its environment (DROVER_WORKER_ID and NOTIFY_SOCKET as they were in Spec.Env).
package process
