package supervisor

import (
	"fmt"
	"path/filepath"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/process"
)

// oomScore is how much rather than drover the kernel ends a worker for want of
// memory: as if it had a fifth of the machine's memory more.
const oomScore = 200

// limitMemory is the name of the limit that drover itself may have to keep.
const limitMemory = "maxMemoryPerWorker"

// Limit is a bound of a worker as the settings call it, and how well it is kept.
type Limit struct {
	Name  string // such as maxOpenFiles
	Value any
	Level process.Level
	Why   string // why the level is not process.LevelKernel
}

// bounds are what the settings hold a worker to.
func (e *equipment) bounds() (process.Bounds, error) {
	r, sec := e.cfg.Resources, e.cfg.Security
	b := process.Bounds{
		OpenFiles: r.MaxOpenFiles, Memory: int64(r.MaxMemoryPerWorker), CPU: r.MaxCPUPerWorker, Processes: r.MaxProcesses,
		OOMScore: oomScore, NoNewPrivileges: sec.NoNewPrivileges,
		PrivateNetwork: sec.PrivateNetwork, PrivatePIDs: sec.PrivatePIDs,
	}
	if a := e.account; a != nil {
		b.Account = &process.Account{UID: a.UID, GID: a.GID, Groups: a.Groups}
	}
	var err error
	if sec.Confined() {
		b.Sandbox, err = e.sandbox()
	}
	return b, err
}

// sandbox is what the worker may reach.
func (e *equipment) sandbox() (*process.Sandbox, error) {
	sec := e.cfg.Security
	b := &process.Sandbox{Port: e.who.Port, Strict: sec.Sandbox == "strict"}
	read := append([]string{e.cfg.Directory}, sec.ReadOnlyPaths...)
	if e.who.Preload != "" {
		read = append(read, filepath.Dir(e.who.Preload)) // it loads others beside it
	}
	write := sec.WritablePaths
	if e.folder != "" {
		write = append(write[:len(write):len(write)], e.folder)
	}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{read, &b.Read}, {write, &b.Write}} {
		for _, path := range list.from {
			whole, err := filepath.Abs(path) // the shim opens them after it has changed its folder
			if err != nil {
				return nil, fmt.Errorf("sandbox: %w", err)
			}
			*list.to = append(*list.to, whole)
		}
	}
	return b, nil
}

// limitsOf names what is kept as the settings do.
func limitsOf(cfg *config.Pool, held []process.Held) []Limit {
	var limits []Limit
	for _, h := range held {
		l := Limit{Level: h.Level, Why: h.Why}
		switch h.Bound {
		case process.BoundOpenFiles:
			l.Name, l.Value = "maxOpenFiles", cfg.Resources.MaxOpenFiles
		case process.BoundMemory:
			l.Name, l.Value = limitMemory, uint64(cfg.Resources.MaxMemoryPerWorker)
		case process.BoundCPU:
			l.Name, l.Value = "maxCpuPerWorker", cfg.Resources.MaxCPUPerWorker
		case process.BoundProcesses:
			l.Name, l.Value = "maxProcesses", cfg.Resources.MaxProcesses
		case process.BoundNetwork:
			l.Name, l.Value = "privateNetwork", true
		case process.BoundPIDs:
			l.Name, l.Value = "privatePids", true
		case process.BoundSandbox:
			l.Name, l.Value = "sandbox", cfg.Security.Sandbox
		case process.BoundAccount:
			l.Name, l.Value = "user", cfg.Security.User
			if cfg.Security.User == "" {
				l.Name, l.Value = "group", cfg.Security.Group
			}
		case process.BoundNoNewPrivileges:
			l.Name, l.Value = "noNewPrivileges", true
		}
		limits = append(limits, l)
	}
	return limits
}

// Notice says what of the limit does not hold as asked, "" where all does.
func (l Limit) Notice() string {
	if l.Level == process.LevelKernel {
		return ""
	}
	value := l.Value
	if bytes, ok := value.(uint64); ok {
		value = config.Size(bytes)
	}
	return fmt.Sprintf("%s: %v is kept at level %s: %s", l.Name, value, l.Level, l.Why)
}

// noteLimitsLocked tells once for each start of settings what does not hold as asked.
func (s *Supervisor) noteLimitsLocked(w *worker, limits []Limit) {
	if w.settings.told {
		return
	}
	w.settings.told = true
	for _, l := range limits {
		if notice := l.Notice(); notice != "" {
			s.publish(event.LimitWeaker, s.pool.Name(), fmt.Sprintf("pool %s: %s", s.pool.Name(), notice),
				map[string]any{"limit": l.Name, "kept": string(l.Level)}) // level is that of the log
		}
	}
}
