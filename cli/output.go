package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// jsonFlag is for commands that list.
type jsonFlag struct {
	JSON bool `help:"Print JSON, for programs."`
}

// printJSON prints a body of the admin API.
func printJSON(env *Environment, body any) error {
	e := json.NewEncoder(env.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(body)
}

// table prints rows under headings, in columns.
func table(env *Environment, head string, rows [][]string) {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	say(t, "%s\n", strings.ReplaceAll(head, "|", "\t"))
	for _, row := range rows {
		say(t, "%s\n", strings.Join(row, "\t"))
	}
	_ = t.Flush() // into memory
	var out strings.Builder
	for line := range strings.Lines(text.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	say(env.Stdout, "%s", env.coloured(out.String()))
}

var (
	badWords  = regexp.MustCompile(`\b(unhealthy|failed|ejected|open|FAIL)\b`)
	fairWords = regexp.MustCompile(`\b(degraded|starting|draining|drained|maintenance|backoff|stopping|half-open)\b`)
	goodWords = regexp.MustCompile(`\bhealthy\b`)
)

// coloured colours the words for states, on a terminal and unless NO_COLOR is set.
func (env *Environment) coloured(text string) string {
	if !env.terminal() {
		return text
	}
	text = badWords.ReplaceAllString(text, "\x1b[31m$0\x1b[0m")
	text = fairWords.ReplaceAllString(text, "\x1b[33m$0\x1b[0m")
	return goodWords.ReplaceAllString(text, "\x1b[32m$0\x1b[0m")
}

func (env *Environment) terminal() bool {
	f, ok := env.Stdout.(*os.File)
	return ok && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// printable takes out what would steer a terminal: workers have a say in what
// messages are.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// duration writes seconds for people: 12s, 3m5s, 2h10m, 4d3h.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Truncate(time.Second)
	switch {
	case d < time.Minute:
		return d.String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// size writes bytes for people: 512 B, 50.0 MB.
func size(n uint64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// dash stands for what is empty in a table.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
