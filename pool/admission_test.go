package pool

import "testing"

func TestPool_AWorkerIsRoutedToWhenItIsAdmitted(t *testing.T) {
	p := New("p", settings(), nil)
	var asked []string
	admitted := false
	p.SetAdmission(func(u *Upstream) bool {
		if p.Get(u.ID) == nil { // takes the lock
			t.Error("the upstream is unknown")
		}
		asked = append(asked, u.ID)
		return admitted
	})
	first := add(t, p, worker(1, 1, Starting))
	address := add(t, p, Spec{ID: "a", Label: "a", Weight: 1, State: Starting})
	report := func(id string, healthy bool, want State, u *Upstream, questions int) {
		t.Helper()
		asked = nil
		if !p.SetHealth(id, healthy, nil) || u.State() != want || len(asked) != questions {
			t.Errorf("%s is %s, want %s; asked of %q", id, u.State(), want, asked)
		}
	}
	report("p-1.1", true, Starting, first, 1)
	report("p-1.1", false, Starting, first, 0)
	report("a", true, Healthy, address, 0) // drover did not start it
	if got := p.Snapshot().Upstreams; len(got) != 1 || got[0] != address {
		t.Errorf("routed to are %v", got)
	}
	admitted = true
	report("p-1.1", true, Healthy, first, 1)
	if got := p.Snapshot().Upstreams; len(got) != 2 {
		t.Errorf("routed to are %v", got)
	}
	admitted = false
	report("p-1.1", false, Unhealthy, first, 0)
	report("p-1.1", true, Healthy, first, 0) // it has had requests already
	if p.SetHealth("none", true, nil) {
		t.Error("an unknown upstream is known")
	}
}
