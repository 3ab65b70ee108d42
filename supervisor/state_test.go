package supervisor

import "testing"

// Every pair of state and input is listed: with what follows, or as impossible.
func TestState_EveryPairHasItsStep(t *testing.T) {
	const no = "-"
	names := map[action]string{actNone: "", actSpawn: "spawn", actAdd: "add", actServe: "serve", actDrain: "drain", actTerminate: "terminate",
		actDestroy: "destroy", actSlay: "slay", actKill: "kill", actDelay: "delay", actFail: "fail", actForget: "forget"}
	order := []input{inStart, inAddress, inReady, inStartTimeout, inStop, inProbesFailed, inOverLimit, inDrained, inKillTimeout,
		inExitPlanned, inExitFailed, inExitExhausted, inExitUnwanted, inRetry}
	if len(order) != int(inputs) {
		t.Fatalf("the test knows %d inputs, there are %d", len(order), inputs)
	}
	f := func(s State, want ...string) {
		t.Helper()
		if len(want) != len(order) {
			t.Fatalf("%s: %d steps listed, want %d", s, len(want), len(order))
		}
		for i, in := range order {
			st, err := next(s, in)
			got := st.next.String() + " " + names[st.do]
			if err != nil {
				got = no
				if st.next != s || st.do != actNone {
					t.Errorf("%s, %s: an impossible pair changes something: %+v", s, in, st)
				}
			}
			if got != want[i] {
				t.Errorf("%s, %s: %q, want %q", s, in, got, want[i])
			}
		}
	}
	const (
		spawn  = "starting spawn"
		forget = "stopped forget"
		delay  = "backoff delay"
		fail   = "failed fail"
		term   = "stopping terminate"
		slay   = "stopping slay"
	)
	//          start  address         ready            timeout stop              probes              over limit drained kill             planned failed exhausted unwanted retry
	f(Stopped, spawn, no, no, no, no, no, no, no, no, no, no, no, no, no)
	f(Starting, no, "starting add", "running serve", term, term, no, slay, no, no, no, delay, fail, forget, no)
	f(Running, no, no, no, no, "draining drain", "stopping destroy", slay, no, no, no, delay, fail, forget, no)
	f(Draining, no, no, no, no, no, no, slay, term, no, spawn, no, no, forget, no)
	f(Stopping, no, no, no, no, no, no, slay, no, "stopping kill", spawn, delay, fail, forget, no)
	f(Backoff, no, no, no, no, forget, no, no, no, no, no, no, no, no, spawn)
	f(Failed, spawn, no, no, no, forget, no, no, no, no, no, no, no, no, spawn)
	if len(States()) != 7 {
		t.Error("a state is missing in States")
	}
}

func TestState_LiveStatesHaveAProcess(t *testing.T) {
	for _, s := range States() {
		want := s != Stopped && s != Backoff && s != Failed
		if s.Live() != want {
			t.Errorf("%s: Live is %v", s, s.Live())
		}
	}
}
