package process

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const ownSession = 10

// forest makes a table; what has no state sleeps.
func forest(procs ...proc) *table {
	all := make(map[int]proc)
	for _, p := range procs {
		if p.state == 0 {
			p.state = 'S'
		}
		all[p.pid] = p
	}
	return newTable(time.Time{}, all)
}

func at(pid, ppid, session int, start uint64) proc {
	return proc{pid: pid, ppid: ppid, session: session, pgrp: session, start: start}
}

func view(environs map[int]string, taken ...int) viewpoint {
	return viewpoint{
		session: ownSession,
		taken:   func(number int) bool { return slices.Contains(taken, number) },
		environ: func(pid int) []byte {
			return []byte(strings.ReplaceAll(environs[pid], " ", "\x00") + "\x00")
		},
	}
}

func pidsOf(procs []proc) []int {
	var pids []int
	for _, p := range procs {
		pids = append(pids, p.pid)
	}
	slices.Sort(pids)
	return pids
}

func TestRoot_MembersAreDescendantsAndSessions(t *testing.T) {
	r := newRoot(identity{100, 5}, mark{})
	f := func(v viewpoint, forest *table, want ...int) {
		t.Helper()
		if got := pidsOf(r.members(forest, v)); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	drover := at(10, 1, ownSession, 1)
	other := at(200, 10, 200, 5) // another worker
	v := view(nil)
	f(v, forest(drover, other, at(100, 10, 100, 5)), 100)
	f(v, forest(drover, other, at(100, 10, 100, 5), at(101, 100, 100, 6), at(102, 101, 102, 7)), 100, 101, 102)
	// 102 has its own session, to which 103 belongs; its parent 101 dies.
	f(v, forest(drover, other, at(100, 10, 100, 5), at(102, 1, 102, 7), at(103, 1, 102, 8)), 100, 102, 103)
	// The root is a zombie, then gone.
	dead := at(100, 10, 100, 5)
	dead.state, dead.threads = 'Z', 1
	f(v, forest(drover, other, dead, at(102, 1, 102, 7), at(104, 1, 100, 9)), 102, 104)
	f(v, forest(drover, other, at(102, 1, 102, 7), at(104, 1, 100, 9)), 102, 104)
	// 102 is used again by somebody else, in whose session are strangers.
	f(v, forest(drover, other, at(102, 1, 102, 50), at(105, 102, 102, 51), at(104, 1, 100, 9)), 104)
	// So is the number of the root.
	f(v, forest(drover, other, at(100, 1, 100, 60), at(106, 100, 100, 61)))
	if len(r.known) != 0 {
		t.Errorf("%v are remembered", slices.Collect(maps.Keys(r.known)))
	}
}

func TestRoot_MembersNeverReachDroversSession(t *testing.T) {
	r := newRoot(identity{100, 5}, mark{})
	// A pid that was in the tree is now that of drover's parent shell: same number, same start
	// cannot be, but a damaged notice could say so.
	r.known[identity{9, 1}] = struct{}{}
	got := r.members(forest(at(9, 1, ownSession, 1), at(10, 9, ownSession, 1), at(100, 10, 100, 5)), view(nil))
	if !slices.Equal(pidsOf(got), []int{100}) {
		t.Errorf("members %v", pidsOf(got))
	}
}

func TestRoot_MembersBearTheMark(t *testing.T) {
	m := mark{id: "app-1.1", notify: "/run/a/notify", port: "20001"}
	f := func(what string, p proc, env string, v viewpoint, want bool) {
		t.Helper()
		r := newRoot(identity{100, 5}, m)
		v.environ = view(map[int]string{p.pid: env}).environ
		got := r.members(forest(at(10, 1, ownSession, 1), at(100, 10, 100, 5), p), v)
		if (len(got) == 2) != want {
			t.Errorf("%s: members %v", what, pidsOf(got))
		}
	}
	orphan := at(300, 1, 300, 9)
	const named, notify, port = "X=1 DROVER_WORKER_ID=app-1.1", " NOTIFY_SOCKET=/run/a/notify", " PORT=20001"
	v := view(nil)
	f("id and socket", orphan, named+notify, v, true)
	f("id and port", orphan, named+port, v, true)
	f("id only", orphan, named, v, false)
	f("socket of another drover", orphan, named+port+" NOTIFY_SOCKET=/run/b/notify", v, false)
	f("another port", orphan, named+" PORT=20002", v, false)
	f("another worker", orphan, "DROVER_WORKER_ID=app-1.11"+notify+port, v, false)
	f("no environment", orphan, "", v, false)
	f("older than the root", at(300, 1, 300, 4), named+notify, v, false)
	f("init", at(1, 0, 1, 9), named+notify, v, false)
	f("in drover's session", at(300, 1, ownSession, 9), named+notify, v, false)
	f("root of another tree", orphan, named+notify, view(nil, 300), false)

	adopting := view(nil)
	adopting.adopter = 10
	f("adopted by drover", at(300, 10, 300, 9), named, adopting, true)
	f("adopted by drover, another id", at(300, 10, 300, 9), "DROVER_WORKER_ID=app-2.1", adopting, false)
	f("adopted by somebody else", orphan, named+notify, adopting, false)
	f("root of another tree and child of drover", at(300, 10, 300, 9), named, func() viewpoint {
		v := view(nil, 300)
		v.adopter = 10
		return v
	}(), false)

	m.notify, m.port = "", ""
	f("nothing that is ours alone", orphan, named, v, false)
	m.id = ""
	f("no id", orphan, "DROVER_WORKER_ID=", v, false)
}

func TestRoot_MembersAreNotForgottenByAnOlderTable(t *testing.T) {
	r := newRoot(identity{100, 5}, mark{})
	early, late := time.Now(), time.Now().Add(time.Second)
	old, fresh := forest(at(100, 10, 100, 5)), forest(at(100, 10, 100, 5), at(101, 100, 101, 6))
	old.begun, fresh.begun = early, late
	r.members(fresh, view(nil))
	if got := pidsOf(r.members(old, view(nil))); !slices.Equal(got, []int{100}) {
		t.Errorf("in the older: %v", got)
	}
	orphaned := forest(at(101, 1, 101, 6))
	orphaned.begun = late.Add(time.Second)
	if got := pidsOf(r.members(orphaned, view(nil))); !slices.Equal(got, []int{101}) {
		t.Errorf("in the newest: %v", got)
	}
}
