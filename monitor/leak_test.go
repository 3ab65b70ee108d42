package monitor

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// program makes the readings of a program of eight hours.
type program func(r *rand.Rand) []Reading

// made adds what is special about a program to what all have: garbage, noise and
// a size.
func made(special func(r *rand.Rand) []shape) program {
	return func(r *rand.Rand) []Reading {
		shapes := []shape{sawtooth(r, between(r, 5*mb, 80*mb), minutes(between(r, 0.1, 4))), noise(r, between(r, 0.05*mb, mb))}
		if special != nil {
			shapes = append(shapes, special(r)...)
		}
		return readings(8*time.Hour, between(r, 40*mb, 300*mb), shapes...)
	}
}

// accused judges as drover does, at the end of each window, until there is a
// leak, and returns when that was.
func accused(d LeakDetector, all []Reading, limit uint64) (after time.Duration, v Verdict) {
	t := d.troughs()
	for _, r := range all {
		if t.add(r) {
			if v = d.judge(t.low, limit); v.Leak {
				return r.At.Sub(epoch), v
			}
		}
	}
	return 0, v
}

func TestLeakDetector_LeavesHealthyProgramsAlone(t *testing.T) {
	t.Parallel()
	f := func(name string, p program, most float64) {
		t.Helper()
		const seeds = 30
		alarms := 0
		for seed := range uint64(seeds) {
			if _, v := accused(DefaultLeakDetector, p(rand.New(rand.NewPCG(seed, 1))), 1<<30); v.Leak {
				alarms++
			}
		}
		t.Logf("%s: %d of %d", name, alarms, seeds)
		if float64(alarms) > most*seeds {
			t.Errorf("%s: %d of %d programs were taken for leaks within eight hours", name, alarms, seeds)
		}
	}
	f("garbage", made(nil), 0.02)
	f("garbage that is collected seldom", made(func(r *rand.Rand) []shape {
		return []shape{sawtooth(r, between(r, 5*mb, 80*mb), minutes(between(r, 4, 30)))}
	}), 0.02)
	f("load wave", made(func(r *rand.Rand) []shape {
		return []shape{wave(r, between(r, 10*mb, 100*mb), minutes(between(r, 5, 120)))}
	}), 0.02)
	f("load wave of hours", made(func(r *rand.Rand) []shape {
		return []shape{wave(r, between(r, 10*mb, 100*mb), minutes(between(r, 120, 1440)))}
	}), 0.1)
	f("warm-up", made(func(r *rand.Rand) []shape {
		return []shape{warming(between(r, 10*mb, 200*mb), minutes(between(r, 1, 15)))}
	}), 0.02)
	f("slow warm-up", made(func(r *rand.Rand) []shape { // without rise.slowing 12 of 30
		return []shape{warming(between(r, 10*mb, 200*mb), minutes(between(r, 15, 60)))}
	}), 0.02)
	f("warm-up of hours", made(func(r *rand.Rand) []shape { // 9
		return []shape{warming(between(r, 10*mb, 200*mb), minutes(between(r, 60, 120)))}
	}), 0.04)
	f("cache that gets slower to fill", made(func(r *rand.Rand) []shape { // 10
		return []shape{filling(between(r, 5*mb, 50*mb), minutes(between(r, 1, 20)))}
	}), 0.04)
}

func TestLeakDetector_FindsLeaks(t *testing.T) {
	t.Parallel()
	f := func(name string, least float64, limit uint64, within time.Duration, p program) {
		t.Helper()
		const seeds = 15
		found := 0
		for seed := range uint64(seeds) {
			after, v := accused(DefaultLeakDetector, p(rand.New(rand.NewPCG(seed, 2))), limit)
			if v.Leak && after <= within {
				found++
			}
		}
		t.Logf("%s: %d of %d", name, found, seeds)
		if float64(found) < least*seeds {
			t.Errorf("%s: %d of %d were found within %s", name, found, seeds, within)
		}
	}
	leak := func(perMinute float64) program {
		return made(func(*rand.Rand) []shape { return []shape{leaking(perMinute * mb)} })
	}
	f("half a megabyte a minute", 0.96, 512*mb, 4*time.Hour, leak(0.5))
	f("one", 0.96, 1<<30, 2*time.Hour, leak(1))
	f("four", 1, 4<<30, 90*time.Minute, leak(4))
	f("one under a load wave", 0.96, 1<<30, 4*time.Hour, made(func(r *rand.Rand) []shape {
		return []shape{leaking(mb), wave(r, between(r, 5*mb, 30*mb), minutes(between(r, 5, 60)))}
	}))
	f("one beside a slow warm-up", 0.96, 1<<30, 5*time.Hour, made(func(r *rand.Rand) []shape {
		return []shape{leaking(mb), warming(between(r, 10*mb, 100*mb), minutes(between(r, 5, 60)))}
	}))
	f("half a megabyte after three hours", 0.96, 512*mb, 7*time.Hour, made(func(*rand.Rand) []shape {
		return []shape{func(at time.Duration) float64 { return mb / 2 * max(0, at.Minutes()-180) }}
	}))
	f("one that begins after three hours", 0.96, 1<<30, 7*time.Hour, made(func(*rand.Rand) []shape {
		return []shape{func(at time.Duration) float64 { return mb * max(0, at.Minutes()-180) }}
	}))
}

func TestLeakDetector_TellsHowMuch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	all := readings(5*time.Hour, 100*mb, leaking(mb), sawtooth(r, 40*mb, 30*time.Second), noise(r, 0.1*mb))
	v := DefaultLeakDetector.Judge(all, 700*mb)
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance*want {
			t.Errorf("%s is %g, want about %g", what, got, want)
		}
	}
	near("slope", v.Slope, 60*mb, 0.03)
	near("time to the limit", v.ToLimit.Hours(), 5, 0.1)
	near("per request", v.PerRequest, mb/60.0, 0.05) // one a second
	if !v.Leak || v.Why != "" || v.Low > v.Slope || v.High < v.Slope || v.Low < 55*mb || v.High > 65*mb || v.Limit != 700*mb {
		t.Errorf("%+v", v)
	}
	if v.Span < 230*time.Minute || v.Bytes > 410*mb || v.At.After(epoch.Add(5*time.Hour)) {
		t.Errorf("%+v", v)
	}
}

func TestLeakDetector_SaysWhyNot(t *testing.T) {
	f := func(why string, limit uint64, length time.Duration, shapes ...shape) {
		t.Helper()
		if v := DefaultLeakDetector.Judge(readings(length, 100*mb, shapes...), limit); v.Leak || v.Why != why {
			t.Errorf("%+v, want %q", v, why)
		}
	}
	f("too few windows", 0, 69*time.Minute, leaking(mb))
	f("it does not rise", 0, 5*time.Hour)
	f("it does not rise", 0, 5*time.Hour, leaking(-0.1*mb))
	f("it rises too little", 0, 5*time.Hour, leaking(0.02*mb))
	f("it does not rise all the time", 0, 5*time.Hour, warming(100*mb, time.Hour))
	f("it levels off before the limit", 1<<30, 80*time.Minute, warming(100*mb, time.Hour))
	f("the limit is far away", 1<<40, 5*time.Hour, leaking(mb))
	if v := DefaultLeakDetector.Judge(readings(5*time.Hour, 100*mb, leaking(mb)), 0); !v.Leak || v.ToLimit != 0 {
		t.Errorf("without a limit: %+v", v)
	}
	if v := DefaultLeakDetector.Judge(readings(5*time.Hour, 100*mb, leaking(mb)), 200*mb); !v.Leak || v.ToLimit != 0 {
		t.Errorf("beyond its limit: %+v", v)
	}
	if v := DefaultLeakDetector.Judge(nil, 0); v.Leak {
		t.Errorf("nothing leaks: %+v", v)
	}
}
