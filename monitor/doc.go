// Package monitor measures processes and the machine: CPU time, memory, open
// files and threads of each worker's whole tree, and CPU and memory of the host.
//
// It owns the samples and does not act on them: metrics, the admin API and
// health-aware balancing read them, the supervisor decides. It does not know
// what a worker is, only process ids that somebody names.
//
//	m := monitor.NewSampler(time.Second, supervisor.Targets)
//	m.OnSample = func(id string, s monitor.Sample) { … }   // before Run
//	go m.Run(ctx)
//	s, ok := m.Latest("app-3.7")                           // s.CPU in cores, s.RSS in bytes
//	h := m.Host()
//
// It needs /proc; on systems without one the samples are zero.
package monitor
