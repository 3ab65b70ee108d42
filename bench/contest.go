package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// contest is one kind of work of workers, a line of a scenario's table for each that takes part.
type contest struct {
	name    string
	job     job
	workers int // that do the job at the same time
	goals   []goal
}

// contestLength is that of a turn, which there are many of.
const contestLength, contestLengthQuick = time.Second, 200 * time.Millisecond

// measureContests starts the teams of a scenario and lets them take turns in each contest.
func measureContests(l *lab, ctx context.Context, s scenario) (outcome, error) {
	teams, failed := l.startTeams(ctx, s)
	defer func() {
		for _, t := range teams {
			t.stop()
		}
	}()
	var all outcome
	var rows, rest strings.Builder
	var errs []error
	r := newResults(s, l.dir)
	for _, c := range s.contests {
		one, err := l.compete(ctx, s, c, teams, failed)
		if err != nil {
			return outcome{}, err
		}
		rows.WriteString(one.rows(" " + c.name + " |"))
		rest.WriteString(one.rest())
		if err := one.err(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
		all.verdicts = append(all.verdicts, one.verdicts()...)
	}
	r.scenario.goals = s.allGoals()
	all.table = r.title() + r.head(" work |") + rows.String() + rest.String()
	return all, errors.Join(errs...)
}

// startTeams also returns why one could not be started.
func (l *lab) startTeams(ctx context.Context, s scenario) ([]*team, map[string]error) {
	var teams []*team
	failed := make(map[string]error)
	for _, name := range []string{s.against, "drover", "drover-versus"} {
		if name == "drover" && !l.measuring(name) || name == "drover-versus" && l.options.versus == "" {
			continue
		}
		t, err := l.startTeam(ctx, name, s.workers)
		if err != nil {
			failed[name] = err
			continue
		}
		teams = append(teams, t)
	}
	return teams, failed
}

// compete lets the teams take turns.
func (l *lab) compete(ctx context.Context, s scenario, c contest, teams []*team, failed map[string]error) (*results, error) {
	s.goals = c.goals
	r := newResults(s, l.dir)
	for name, err := range failed {
		r.entered[name] = true
		r.fail(name, err)
	}
	rounds, length := 2*l.options.rounds, contestLength
	if l.options.quick {
		rounds, length = 1, contestLengthQuick
	}
	for round := range rounds + 1 {
		for _, t := range teams {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r.entered[t.name] = true
			if round == 0 { // warms up
				if err := t.prepare(c); err != nil {
					r.fail(t.name, err)
				}
				if l.options.quick {
					continue
				}
			}
			got, err := t.turn(c, length)
			if round > 0 || err != nil {
				r.add(t.name, round-1, got, err)
			}
			time.Sleep(settle)
		}
	}
	return r, nil
}

// prepare does what has to be there before the first turn.
func (t *team) prepare(c contest) error {
	if c.job.Op != "get" {
		return nil
	}
	_, err := t.members[0].do(job{Op: "fill", Near: c.job.Near, Bytes: c.job.Bytes})
	return err
}

// turn lets the first workers of the team do the job, and adds up what they say.
func (t *team) turn(c contest, length time.Duration) (turn, error) {
	j := c.job
	j.Milliseconds, j.To, j.Receivers = length.Milliseconds(), t.members[len(t.members)-1].Name, len(t.members)-1
	heard, err := t.heard(c)
	if err != nil {
		return turn{}, err
	}
	between, workers, err := t.cpu()
	if err != nil {
		return turn{}, err
	}
	reports := make(chan report, c.workers)
	failures := make(chan error, c.workers)
	for _, m := range t.members[:c.workers] {
		go func() {
			r, err := m.do(j)
			reports <- r
			failures <- err
		}()
	}
	var sum turn
	var p50s, p99s []time.Duration
	for range c.workers {
		r := <-reports
		err = errors.Join(err, <-failures)
		sum.requests += r.Operations
		sum.elapsed = max(sum.elapsed, r.Elapsed)
		p50s, p99s = append(p50s, r.P50), append(p99s, r.P99)
	}
	if err != nil {
		return turn{}, err
	}
	sum.p50, sum.p99 = slices.Max(p50s), slices.Max(p99s)
	betweenAfter, workersAfter, err := t.cpu()
	if err != nil {
		return turn{}, err
	}
	sum.cpu, sum.workers = betweenAfter.minus(between), workersAfter.minus(workers)
	heardAfter, err := t.heard(c)
	if want := sum.requests * int64(j.Receivers); err == nil && c.job.Op == "broadcast" && heardAfter-heard != want {
		err = fmt.Errorf("%d messages were received; want %d", heardAfter-heard, want)
	}
	return sum, err
}

// heard is how many messages to all have reached the workers.
func (t *team) heard(c contest) (int64, error) {
	if c.job.Op != "broadcast" {
		return 0, nil
	}
	var sum int64
	for _, m := range t.members {
		r, err := m.do(job{Op: "handled"})
		if err != nil {
			return 0, err
		}
		sum += r.Operations
	}
	return sum, nil
}
