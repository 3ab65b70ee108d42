// Package workertest lets tests run real worker processes without any program but the Go
// toolchain: the test binary runs itself again as a worker.
//
//	func TestMain(m *testing.M) { workertest.Main(m) }
//
//	argv, env := workertest.Command("slowstart", "300")
//	// start argv with env added to what the worker is given (PORT, HOST, SOCKET …)
//
// A worker listens on HOST:PORT (HOST is 127.0.0.1 when it is not set), or on the Unix socket
// SOCKET when PORT is empty or the same path. SIGTERM ends it with status 0 after the requests in
// flight. So that nothing is left behind by a test that was cut off, each worker ends by itself
// after five minutes.
//
// The modes and their arguments (durations are in milliseconds):
//
//	serve                 answers HTTP; see below
//	crash [MS [STATUS]]   serves for MS (default 0: does not even listen), then exits with STATUS (default 1)
//	hang                  listens and accepts, never answers
//	slowstart [MS]        listens after MS (default 300), then serves
//	ignoreterm            serves and ignores SIGTERM
//	exit0                 exits with status 0 at once
//	neverlisten           runs, does not listen
//	elsewhere [PORT]      serves on another port than the one given (default: any free one)
//	fork [MODE]           starts a child that ignores SIGTERM and keeps stdout and stderr open, then
//	                      acts as MODE (default exit0)
//	daemonize [MODE]      starts a serving child by double fork in a session of its own, then acts as
//	                      MODE (default exit0)
//	notify [MS]           serves; writes READY=1 to NOTIFY_SOCKET after MS (default 0)
//	stopself [MS]         serves for MS (default 0), then sends itself SIGSTOP
//	spin                  listens, never answers and burns CPU
//	talk                  serves, and answers over the message channel: requests of the types echo
//	                      (with their data), fail (with an error of its own) and never; messages by
//	                      an acknowledgement, but for the type ignore; pings with two checks, of which
//	                      disk fails from a message disk.full on
//	flood [N [BYTES]]     serves, and writes N (default 1000) lines of so many bytes (default 1000), the newline among them,
//	                      to stdout as fast as they are taken; the variable FLOODED is then how long it took
//
// What a serving worker answers:
//
//	/             200, its DROVER_WORKER_ID and a newline
//	/health       200 "ok"
//	/pid          200, its pid
//	/slow?ms=N    as /, after N milliseconds
//	/hold?mb=M&ms=N  the same, using M megabytes meanwhile
//	/status?code= that status
//	/bytes?n=N    N bytes
//	/env?name=    the value of that variable
//	/echo         the request's body
//	/say?frame=   as /, after the frame was written to the message channel
//	/exit?code=N  the process ends at once with N, without an answer
//	/hang         never answers
//
// Every answer carries X-Worker: DROVER_WORKER_ID.
package workertest
