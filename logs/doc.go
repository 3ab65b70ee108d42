// Package logs writes what drover and its workers say: drover's own lines (zap),
// the log of requests, and each line of the workers' output. Everything goes to
// standard error, or to files that rotate and reopen.
//
// Nothing in this package waits for a disk or a terminal: lines are put into
// bounded buffers that one goroutine per kind writes out. When a buffer is full
// the line is dropped, counted, and the count is announced once per second.
//
// It does not decide what is worth a line, and it does not search old lines.
//
//	l, err := logs.New(cfg.Logging, os.Stderr)
//	defer l.Close()
//	l.Logger("supervisor").Info("worker started", zap.String("worker", "app-1.1"))
//
//	access := l.AccessLog(cfg.Logging.AccessLog)
//	access.Log(&logs.Record{Time: start, Status: 200, End: "ok"})
//
//	out := logs.NewCollector(l, bus)
//	stdout, stderr, err := out.Open("app-1.1", "app") // for the worker
package logs
