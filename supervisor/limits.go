package supervisor

import (
	"fmt"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/process"
)

// oomScore is how much rather than drover the kernel ends a worker for want of
// memory: as if it had a fifth of the machine's memory more.
const oomScore = 200

// Limit is a bound of a worker as the settings call it, and how well it is kept.
type Limit struct {
	Name  string // such as maxOpenFiles
	Value any
	Level process.Level
	Why   string // why the level is not process.LevelKernel
}

// bounds are what the settings hold a worker to.
func (e *equipment) bounds() process.Bounds {
	r, sec := e.cfg.Resources, e.cfg.Security
	b := process.Bounds{OpenFiles: r.MaxOpenFiles, OOMScore: oomScore, NoNewPrivileges: sec.NoNewPrivileges}
	if a := e.account; a != nil {
		b.Account = &process.Account{UID: a.UID, GID: a.GID, Groups: a.Groups}
	}
	return b
}

// limitsOf names what is kept as the settings do.
func limitsOf(cfg *config.Pool, held []process.Held) []Limit {
	var limits []Limit
	for _, h := range held {
		l := Limit{Level: h.Level, Why: h.Why}
		switch h.Bound {
		case process.BoundOpenFiles:
			l.Name, l.Value = "maxOpenFiles", cfg.Resources.MaxOpenFiles
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
	return fmt.Sprintf("%s: %v is kept at level %s: %s", l.Name, l.Value, l.Level, l.Why)
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
				map[string]any{"limit": l.Name, "level": string(l.Level)})
		}
	}
}
