package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// played is a team whose workers are functions.
func played(t *testing.T, workers ...func(job) report) *team {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	playing := &team{name: "played", children: []*child{{cmd: &exec.Cmd{Process: self}}}}
	for _, answer := range workers {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = errors.Join(ours.Close(), theirs.Close()) })
		playing.members = append(playing.members, &member{identity: identity{Name: "w", PID: os.Getpid()}, conn: ours, answers: json.NewDecoder(ours)})
		go func() {
			jobs, answers := json.NewDecoder(theirs), json.NewEncoder(theirs)
			for {
				var j job
				if jobs.Decode(&j) != nil || answers.Encode(answer(j)) != nil {
					return
				}
			}
		}()
	}
	return playing
}

func TestTeam_AddsUpWhatItsWorkersSay(t *testing.T) {
	one := func(job) report {
		return report{Operations: 10, Elapsed: time.Second, P50: 3 * time.Millisecond, P99: 4 * time.Millisecond}
	}
	two := func(job) report {
		return report{Operations: 30, Elapsed: 2 * time.Second, P50: time.Millisecond, P99: 9 * time.Millisecond}
	}
	got, err := played(t, one, two).turn(contest{job: job{Op: "get"}, workers: 2}, time.Second)
	if err != nil || got.requests != 40 || got.elapsed != 2*time.Second || got.p50 != 3*time.Millisecond || got.p99 != 9*time.Millisecond {
		t.Errorf("got %+v, %v", got, err)
	}
	if us, err := perOperation(got); err != nil || us != 50_000 {
		t.Errorf("%v µs for each, %v", us, err)
	}
}

func TestTeam_FailsWithAWorker(t *testing.T) {
	good := func(job) report { return report{Operations: 1} }
	bad := func(job) report { return report{Operations: 1, Error: "wrong answer to get 7"} }
	if _, err := played(t, good, bad).turn(contest{job: job{Op: "get"}, workers: 2}, time.Second); err == nil || !strings.Contains(err.Error(), "wrong answer to get 7") {
		t.Errorf("got %v", err)
	}
}

func TestTeam_CountsWhatEachBroadcastReached(t *testing.T) {
	f := func(heard int64, want string) {
		t.Helper()
		sender := func(j job) report {
			if j.Op == "broadcast" && (j.Receivers != 2 || j.Milliseconds != 1000) {
				t.Errorf("the job is %+v", j)
			}
			if j.Op == "handled" {
				return report{}
			}
			return report{Operations: 5, Elapsed: time.Second}
		}
		receiver := func() func(job) report {
			sum := int64(100) // of turns before
			return func(job) report {
				defer func() { sum += heard }()
				return report{Operations: sum}
			}
		}
		_, err := played(t, sender, receiver(), receiver()).turn(contest{job: job{Op: "broadcast"}, workers: 1}, time.Second)
		if got := fmt.Sprint(err); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
	f(5, "<nil>")
	f(4, "8 messages were received; want 10")
	f(6, "12 messages were received; want 10")
}

func TestContests_AreOfTeamsThatThereAre(t *testing.T) {
	for _, s := range scenarios() {
		if s.contests == nil {
			continue
		}
		if rivals[s.against] == nil || s.workers < 2 {
			t.Errorf("%s is against %q, with %d workers", s.name, s.against, s.workers)
		}
		names := make(map[string]bool)
		for _, c := range s.contests {
			if names[c.name] || c.workers < 1 || c.workers > s.workers || c.job.InFlight < 1 {
				t.Errorf("%s: %+v", s.name, c)
			}
			names[c.name] = true
			for _, g := range c.goals {
				if g.against != s.against {
					t.Errorf("%s: a goal against %s", s.name, g.against)
				}
			}
		}
	}
}

func TestWorkersSettings_Render(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.yaml")
	values := map[string]any{"Dir": "/d", "Listen": "127.0.0.1:1", "Admin": "127.0.0.1:2", "Apps": "/apps", "Workers": 17}
	if err := render("workers.yaml", path, values); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"/apps/worker.js", drover`, "workers: 17", `"127.0.0.1:2"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("lacks %s:\n%s", want, raw)
		}
	}
}
