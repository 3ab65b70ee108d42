package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/admin"
)

// StatusCmd shows what is running.
type StatusCmd struct {
	clientFlags
	jsonFlag
	Check bool `help:"Print one line; exit status 0 when ready, 1 when not (for Docker's HEALTHCHECK). Needs no token."`
}

// Help shows an example.
func (*StatusCmd) Help() string {
	return `Examples:

  drover status
  drover status --check || echo not ready
  drover status --json --admin http://127.0.0.1:9900`
}

// Run asks and prints.
func (c *StatusCmd) Run(env *Environment) error {
	if c.Check {
		return c.check(env)
	}
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var s admin.Status
	if err := client.get("/api/v1/status", &s); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, s)
	}
	c.print(env, s)
	return nil
}

// check prints one line whatever happens, for it is kept as the health check's log.
func (c *StatusCmd) check(env *Environment) error {
	reasons, err := c.notReady(env)
	if err != nil {
		reasons = []string{strings.ReplaceAll(err.Error(), "\n", " ")}
	}
	if len(reasons) > 0 {
		say(env.Stdout, "not ready: %s\n", strings.Join(reasons, "; "))
		return &ExitError{Code: ExitFailed}
	}
	say(env.Stdout, "ready\n")
	return nil
}

func (c *StatusCmd) notReady(env *Environment) (reasons []string, err error) {
	client, err := c.connect(env)
	if err != nil {
		return nil, err
	}
	r, err := client.readiness()
	if err != nil || r.Ready {
		return nil, err
	}
	if len(r.Reasons) == 0 {
		return []string{"drover gives no reason"}, nil
	}
	return r.Reasons, nil
}

func (c *StatusCmd) print(env *Environment, s admin.Status) {
	state := s.Health
	if s.Draining {
		state += ", draining"
	}
	say(env.Stdout, "%s", env.coloured(fmt.Sprintf("drover %s, pid %d, up %s: %s\n", s.Version, s.PID, duration(s.UptimeSeconds), state)))
	for _, reason := range s.Reasons {
		say(env.Stdout, "  %s\n", reason)
	}
	for _, notice := range s.Notices {
		say(env.Stdout, "  note: %s\n", notice)
	}
	if len(s.Checks) > 0 {
		say(env.Stdout, "%s", env.coloured("checks: "+checkCounts(s.Checks)+"\n"))
	}
	for _, l := range s.Listeners {
		to := ""
		if l.Pool != "" {
			to = " -> " + l.Pool
		}
		say(env.Stdout, "%s %s%s\n", l.Protocol, l.Address, to)
	}
	if len(s.Pools) == 0 {
		return
	}
	say(env.Stdout, "\n")
	var rows [][]string
	for _, p := range s.Pools {
		rows = append(rows, poolRow(p))
	}
	table(env, poolHead, rows)
}

// checkCounts are the checks of all workers: db ok, disk FAIL at 1 of 2.
func checkCounts(counts admin.CheckCounts) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		word := oneLine(name) + " ok"
		if n := counts[name]; n.Failing > 0 {
			word = fmt.Sprintf("%s FAIL at %d of %d", oneLine(name), n.Failing, n.Failing+n.Passing)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

const poolHead = "POOL|HEALTH|STRATEGY|WORKERS|FAILED|AVAILABLE|IN FLIGHT|QUEUE"

func poolRow(p admin.PoolSummary) []string {
	workers := "-"
	if p.Spawns {
		workers = fmt.Sprintf("%d of %d ready", p.Ready, p.Wanted)
	}
	if a := p.AutoScaling; a != nil {
		workers += fmt.Sprintf(", auto %d-%d", a.Min, a.Max)
		if a.Manual {
			workers += " (manual now)"
		}
	}
	if p.Rolling != "" {
		workers += ", rolling"
	}
	return []string{p.Name, p.Health, p.Strategy, workers, fmt.Sprint(p.Failed),
		fmt.Sprintf("%d of %d", p.Available, p.UpstreamCount), fmt.Sprint(p.InFlight), fmt.Sprint(p.QueueLength)}
}
