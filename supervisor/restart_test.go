package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
)

func managed(change func(*config.ProcessManagement)) config.ProcessManagement {
	pm := config.ProcessManagement{
		Respawn: true, MaxRestarts: 10, RestartWindow: config.Duration(time.Minute),
		RestartDelay: config.Duration(100 * time.Millisecond), MaxRestartDelay: config.Duration(30 * time.Second),
		Ready: "probe", StartTimeout: config.Duration(time.Minute), GracefulShutdownTimeout: config.Duration(30 * time.Second),
		StopSignal: "SIGTERM", Rolling: config.Rolling{MaxSurge: 1},
	}
	if change != nil {
		change(&pm)
	}
	return pm
}

func TestRestartPolicy_DelayDoublesJitteredAndCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 { // the jitter is random
			p := NewRestartPolicy(managed(func(pm *config.ProcessManagement) { pm.MaxRestarts = 1000 }))
			nominal := 100 * time.Millisecond
			for i := range 40 {
				v := p.Exited(time.Now(), 0)
				if v.Failed {
					t.Fatalf("exit %d: failed", i+1)
				}
				if v.Delay < nominal/2 || v.Delay > min(nominal*3/2+1, 30*time.Second) {
					t.Fatalf("exit %d: delay %s is not within half of %s, capped", i+1, v.Delay, nominal)
				}
				nominal = min(2*nominal, 30*time.Second)
				time.Sleep(v.Delay) // goes on beyond the library's 15 minutes
			}
		}
	})
}

func TestRestartPolicy_RestartsAtOnceAfterAMinuteOfReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRestartPolicy(managed(nil))
		for range 5 {
			p.Exited(time.Now(), 0)
		}
		if v := p.Exited(time.Now(), 59*time.Second); v.Delay < time.Second {
			t.Errorf("59 s of ready forgave: delay %s", v.Delay)
		}
		time.Sleep(2 * time.Minute)
		if v := p.Exited(time.Now(), time.Minute); v != (Verdict{}) {
			t.Errorf("first crash after a minute of ready: %+v, want at once", v)
		}
		if v := p.Exited(time.Now(), time.Second); v.Delay > 150*time.Millisecond+1 || v.Delay < 50*time.Millisecond {
			t.Errorf("second crash: delay %s, want the first step", v.Delay)
		}
	})
}

func TestRestartPolicy_BudgetIsExitsWithinTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRestartPolicy(managed(func(pm *config.ProcessManagement) { pm.MaxRestarts = 3 }))
		f := func(wait, ready time.Duration, wantFailed bool) {
			t.Helper()
			time.Sleep(wait)
			v := p.Exited(time.Now(), ready)
			if v.Failed != wantFailed {
				t.Errorf("failed is %v", v.Failed)
			}
			if v.Failed && v.Delay != 30*time.Second {
				t.Errorf("a failed slot is tried again after %s", v.Delay)
			}
		}
		f(0, 0, false)
		f(40*time.Second, 0, false)
		f(40*time.Second, 0, false) // the first has left the window
		f(time.Second, 0, true)
		f(2*time.Minute, 0, true)                // stays failed, whatever the window holds
		f(2*time.Minute, 50*time.Second, true)   // a short life does not change that
		f(2*time.Minute, 100*time.Second, false) // a minute of ready does
		f(time.Second, 0, false)
		f(time.Second, 0, true)
		p.Forgive()
		f(0, 0, false)
	})
}

func TestRestartPolicy_LongLivesStillCountInALongWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRestartPolicy(managed(func(pm *config.ProcessManagement) {
			pm.MaxRestarts, pm.RestartWindow = 3, config.Duration(time.Hour)
		}))
		for _, want := range []bool{false, false, true} {
			time.Sleep(2 * time.Minute)
			if v := p.Exited(time.Now(), 2*time.Minute); v.Failed != want {
				t.Errorf("failed is %v, want %v", v.Failed, want)
			}
		}
	})
}

func TestRestartPolicy_ConfigureKeepsTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRestartPolicy(managed(nil))
		for range 4 {
			p.Exited(time.Now(), 0)
		}
		p.Configure(managed(func(pm *config.ProcessManagement) { pm.MaxRestarts = 5 }))
		if v := p.Exited(time.Now(), 0); !v.Failed {
			t.Error("the exits before the change were forgotten")
		}
	})
}
