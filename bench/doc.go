// Command bench measures drover beside HAProxy, nginx, Caddy and Go's httputil.ReverseProxy on one
// machine and prints the outcome as ratios against HAProxy.
//
// It owns the scenarios, the peers' settings (peers/) and the recorded results (results/). It does not
// import drover: it drives the built binary as it drives the others.
//
//	go run ./bench                        all scenarios, several minutes, written to bench/results
//	go run ./bench -quick                 does everything still run: seconds
//	go run ./bench -scenario tcp,unix     some of them
//	go run ./bench -peers haproxy,drover -rounds 9
//	go run ./bench -versus /path/to/other/drover    two builds of drover in one run
//
// The load (wrk) and the backends (two nginx) share core 0, each proxy has core 1 for itself while it
// is measured. The proxies take turns (A B C A B C …), so that drift of the machine meets all of them.
// What counts is the CPU time of the proxy's processes over the work done, from /proc/PID/stat: it moves
// far less than requests per second. Ratios are taken within a round.
package main
