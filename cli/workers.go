package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"github.com/drover-proxy/drover/admin"
)

// WorkersCmd lists the workers.
type WorkersCmd struct {
	clientFlags
	jsonFlag
}

// Help shows an example.
func (*WorkersCmd) Help() string {
	return `Examples:

  drover workers
  drover workers --json | jq -r '.workers[].pid'`
}

// Run asks and prints.
func (c *WorkersCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var list admin.WorkerList
	if err := client.get("/api/v1/workers", &list); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, list)
	}
	head := "WORKER|STATE|HEALTH|PID|ADDRESS|UPTIME|RESTARTS|LAST REASON|CPU|MEMORY|IN FLIGHT|REQUESTS|BREAKER"
	inspected := slices.ContainsFunc(list.Workers, func(w admin.Worker) bool { return w.Inspector != "" })
	if inspected {
		head += "|INSPECTOR"
	}
	checked := slices.ContainsFunc(list.Workers, func(w admin.Worker) bool { return len(w.Checks) > 0 })
	if checked {
		head += "|CHECKS"
	}
	weaker := slices.ContainsFunc(list.Workers, func(w admin.Worker) bool { return weakLimits(w.Limits) != "" })
	if weaker {
		head += "|LIMITS"
	}
	leaks := slices.ContainsFunc(list.Workers, func(w admin.Worker) bool { return w.Leak != nil })
	if leaks {
		head += "|LEAK"
	}
	var rows [][]string
	for _, w := range list.Workers {
		row := workerRow(w)
		if inspected {
			row = append(row, dash(w.Inspector))
		}
		if checked {
			row = append(row, checks(w.Checks))
		}
		if weaker {
			row = append(row, dash(weakLimits(w.Limits)))
		}
		if leaks {
			row = append(row, leak(w.Leak))
		}
		rows = append(rows, row)
	}
	table(env, head, rows)
	return nil
}

// weakLimits are those that are not kept as asked, with their levels: maxOpenFiles partial, privatePids none.
func weakLimits(limits map[string]admin.Limit) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if level := limits[name].Level; level != "kernel" {
			words = append(words, name+" "+level)
		}
	}
	return strings.Join(words, ", ")
}

// leak is how fast the memory of a worker grows and how long that can go on:
// +60.0 MB/h, full in 5h2m.
func leak(l *admin.Leak) string {
	if l == nil {
		return "-"
	}
	text := fmt.Sprintf("+%s/h", size(uint64(l.BytesPerHour)))
	if l.LimitBytes > 0 {
		text += ", full in " + duration(l.SecondsToLimit)
	}
	return text
}

// checks are a worker's own: db ok, disk FAIL: full.
func checks(list []admin.Check) string {
	words := make([]string, len(list))
	for i, c := range list {
		words[i] = oneLine(c.Name) + " ok"
		if !c.OK {
			words[i] = strings.TrimSuffix(oneLine(c.Name)+" FAIL: "+oneLine(c.Message), ": ")
		}
	}
	return dash(strings.Join(words, ", "))
}

// oneLine shortens what a worker says to what fits a table.
func oneLine(text string) string {
	const most = 60
	words := []rune(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " "))
	if len(words) > most {
		return string(words[:most]) + "…"
	}
	return string(words)
}

func workerRow(w admin.Worker) []string {
	health := dash(w.Health)
	switch {
	case w.Maintenance:
		health += ", maintenance"
	case w.Drained:
		health += ", drained"
	}
	pid, uptime, cpu, memory := "-", "-", "-", "-"
	if w.PID > 0 {
		pid, uptime = fmt.Sprint(w.PID), duration(w.UptimeSeconds)
	}
	if w.MemoryBytes > 0 { // it was measured
		cpu, memory = fmt.Sprintf("%.1f%%", w.CPUPercent), size(w.MemoryBytes)
	}
	return []string{w.ID, w.State, health, pid, dash(w.Address), uptime, fmt.Sprint(w.Restarts), dash(w.LastReason),
		cpu, memory, fmt.Sprint(w.InFlight), fmt.Sprint(w.Requests), dash(w.Breaker)}
}

// WorkerCmds are the verbs for one worker.
type WorkerCmds struct {
	Drain   WorkerCmd `cmd:"" help:"Send it nothing new; the process stays and is probed."`
	Resume  WorkerCmd `cmd:"" help:"Take back a drain."`
	Restart WorkerCmd `cmd:"" help:"Replace it by its next generation."`
	Stop    WorkerCmd `cmd:"" help:"Stop it; its slot stays empty until it or its pool is restarted."`
}

// Help shows examples.
func (*WorkerCmds) Help() string { return (*WorkerCmd)(nil).Help() }

// WorkerCmd operates one worker; its name on the command line is the verb.
type WorkerCmd struct {
	clientFlags
	ID string `arg:"" help:"The worker: app-3 (the newest in slot 3), or app-3.7 (generation 7 exactly)."`
}

// Help shows an example.
func (*WorkerCmd) Help() string {
	return `Examples:

  drover worker drain app-3
  drover worker resume app-3
  drover worker restart app-3.7
  drover worker stop app-3`
}

// Run asks for it and says what the worker is like then.
func (c *WorkerCmd) Run(env *Environment, ctx *kong.Context) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	verb := ctx.Selected().Name
	var w admin.Worker
	if err := client.post("/api/v1/workers/"+escape(c.ID)+"/"+verb, nil, &w); err != nil {
		return err
	}
	say(env.Stdout, "%s: %s\n", w.ID, done[verb])
	return nil
}

// done says what a verb has done, or has begun to do.
var done = map[string]string{
	"drain": "drained", "resume": "takes requests again", "restart": "is being replaced", "stop": "is being stopped",
	"maintenance": "in maintenance",
}
