package healthcheck

import "testing"

func TestTracker_RiseAndFall(t *testing.T) {
	f := func(rise, fall int, probes, want string) {
		t.Helper()
		tr, got := NewTracker(rise, fall), ""
		for _, c := range probes {
			got += map[Verdict]string{Undecided: ".", Well: "W", Ill: "I"}[tr.Record(c == '+')]
		}
		if got != want {
			t.Errorf("rise %d, fall %d: %s gives %s, want %s", rise, fall, probes, got, want)
		}
	}
	f(1, 3, "+--+---+", "W..W..IW")
	f(2, 3, "+-++---+-+++", ".."+".W"+"..I"+".."+".WW")
	f(1, 1, "+-+-", "WIWI")
	f(0, 0, "+-", "WI") // nonsense is read as 1
	f(3, 2, "----", ".III")
}

func TestTracker_NewThresholdsKeepTheRow(t *testing.T) {
	tr := NewTracker(1, 5)
	tr.Record(false)
	tr.Record(false)
	tr.SetThresholds(1, 3)
	if v := tr.Record(false); v != Ill || tr.Failures() != 3 {
		t.Errorf("verdict %v after %d failures", v, tr.Failures())
	}
}
