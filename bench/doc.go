// Command bench measures drover beside HAProxy, nginx, Caddy and Go's httputil.ReverseProxy on one
// machine, prints the outcome as ratios against HAProxy, and says which of drover's goals were met. What
// workers do through drover is measured beside Node's own cluster, and beside Redis.
//
// It owns the scenarios, the peers' settings (peers/), the workers' programs (apps/) and the recorded results
// (results/). It does not
// import drover: it drives the built binary as it drives the others.
//
//	go run ./bench                        all scenarios, some twenty minutes, written to bench/results
//	go run ./bench -repeat 3              all of it three times, with one table of the goals met each time
//	go run ./bench -quick                 does everything still run: a minute
//	go run ./bench -scenario tcp,unix     some of them
//	go run ./bench -scenario ipc,broadcast,cache    messages of workers, and what they share
//	go run ./bench -peers haproxy,drover -rounds 9
//	go run ./bench -versus /path/to/other/drover    two builds of drover in one run
//
// The load and the backends share core 0, each proxy has core 1 for itself while it is measured. The
// proxies take turns (A B C A B C …), so that drift of the machine meets all of them. What counts is the
// CPU time of the proxy's processes over the work done, from /proc/PID/stat: it moves far less than
// requests per second. Ratios are taken within a round.
//
// A scenario is a line in scenario.go: what is asked for, what a turn costs, what the table shows beside it,
// and the goals. The load is wrk, where that can do it. What it cannot is in load/: requests at a constant
// rate whose time counts from when they were due, bodies sent, a number of bodies per connection; each answer
// is checked. The backends are two nginx, and two of sink/ for what is sent. Logs and bodies are kept in
// memory (/dev/shm) where there is room, so that the disk is not measured.
//
// Where workers are measured (ipc, broadcast, cache) the same Node.js program runs in two teams, one with drover
// between the workers and one with its rival. The teams take turns as well. A worker is told what to do over a
// socket of bench's (BENCH_CONTROL), looks at each answer, and tells how long each took; the processor time is
// that of drover's process, or the rival's, and of the workers. Nothing is pinned to a core there: which process
// is woken where is a part of what is compared.
//
// Whoever fails is not fast: an answer with another status or length, or a broken connection, makes a turn
// count as failed, and a scenario with a failed turn misses its goals.
package main
