package supervisor

import (
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }

func newLiveness() *Liveness {
	return &Liveness{MaxFailures: 3, Interval: 5 * time.Second, Timeout: 2 * time.Second}
}

func hung(id string, failures int, since float64) Vital {
	return Vital{ID: id, Failures: failures, FirstFailure: at(since)}
}

func judge(t *testing.T, l *Liveness, r Round, wantShared bool, want ...string) {
	t.Helper()
	j := l.Judge(r)
	if !slices.Equal(j.Kill, want) || j.SharedBegins != wantShared {
		t.Errorf("judged %+v; want to kill %v, shared begins %v", j, want, wantShared)
	}
}

func TestLiveness_KillsAfterMaxFailuresInARow(t *testing.T) {
	f := func(v Vital, want ...string) {
		t.Helper()
		judge(t, newLiveness(), Round{Now: at(100), Wanted: 2, Vitals: []Vital{v, {ID: "well"}}}, false, want...)
	}
	f(hung("a", 2, 90))
	f(hung("a", 3, 85), "a")
	f(hung("a", 9, 50), "a")
}

func TestLiveness_AnsweredRequestIsProofOfLife(t *testing.T) {
	f := func(success time.Time, want ...string) {
		t.Helper()
		v := hung("a", 3, 85)
		v.LastSuccess = success
		judge(t, newLiveness(), Round{Now: at(100), Wanted: 1, Vitals: []Vital{v}}, false, want...)
	}
	f(time.Time{}, "a")
	f(at(84), "a")
	f(at(85))
	f(at(99))
}

func TestLiveness_MaintenanceSuspendsIt(t *testing.T) {
	v := hung("a", 5, 50)
	v.Suspended = true
	judge(t, newLiveness(), Round{Now: at(100), Wanted: 1, Vitals: []Vital{v}}, false)
}

func TestLiveness_AfterAPauseOfOursWorkersGetAFullRound(t *testing.T) {
	l := newLiveness()
	l.Late(at(100))
	f := func(now float64, want ...string) {
		t.Helper()
		judge(t, l, Round{Now: at(now), Wanted: 1, Vitals: []Vital{hung("a", 3, 85)}}, false, want...)
	}
	f(100)
	f(116)
	f(117.5, "a")
}

func TestLiveness_SmallPoolsReplaceEveryHungWorker(t *testing.T) {
	judge(t, newLiveness(), Round{Now: at(100), Wanted: 2, Vitals: []Vital{hung("a", 3, 85), hung("b", 3, 85)}}, false, "a", "b")
}

func TestLiveness_SeparateFailuresAreNotShared(t *testing.T) {
	// two of three, but far apart
	judge(t, newLiveness(), Round{Now: at(100), Wanted: 3, Vitals: []Vital{hung("a", 9, 50), hung("b", 3, 85), {ID: "c"}}}, false, "a", "b")
	// half of four is not more than half
	judge(t, newLiveness(), Round{Now: at(100), Wanted: 4, Vitals: []Vital{hung("a", 3, 85), hung("b", 3, 85), {ID: "c"}, {ID: "d"}}}, false, "a", "b")
}

func TestLiveness_SharedFailureReplacesOneAtATime(t *testing.T) {
	l := newLiveness()
	five := func(failures int) []Vital {
		return []Vital{hung("a", failures, 83), hung("b", failures, 81), hung("c", failures, 85), hung("d", failures, 84), {ID: "e"}}
	}
	judge(t, l, Round{Now: at(86), Wanted: 5, Vitals: five(1)}, true)
	judge(t, l, Round{Now: at(96), Wanted: 5, Vitals: five(3)}, false, "b") // the one that failed first
	left := five(4)
	left = slices.Delete(left, 1, 2)
	judge(t, l, Round{Now: at(97), Wanted: 5, Vitals: left, Replacing: 1}, false)
	left = append(left, Vital{ID: "b2"})
	judge(t, l, Round{Now: at(99), Wanted: 5, Vitals: left}, false, "a") // b is back
	// a minority by now, and still the same trouble
	judge(t, l, Round{Now: at(101), Wanted: 5, Vitals: []Vital{hung("c", 4, 85), hung("d", 4, 84), {ID: "e"}, {ID: "b2"}}, Replacing: 1}, false)
	judge(t, l, Round{Now: at(110), Wanted: 5, Vitals: []Vital{{ID: "c"}}}, false)
	// it is over: a single hung worker is replaced whatever the others do
	judge(t, l, Round{Now: at(150), Wanted: 5, Vitals: []Vital{hung("c", 3, 135)}, Replacing: 2}, false, "c")
}
