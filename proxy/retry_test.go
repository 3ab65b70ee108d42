package proxy

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/proxy/exchange"
)

func TestRetry_RuleOfTheInterface(t *testing.T) {
	r := newRetryRule(config.Retry{Attempts: 3, On: []string{"connect-failure", "refused", "reset-before-response"}})
	f := func(kind exchange.Kind, method string, unsent, want bool) {
		t.Helper()
		if got := r.allows(causeOf(&exchange.Error{Kind: kind}), []byte(method), unsent); got != want {
			t.Errorf("%v, %s, unsent %v: %v", kind, method, unsent, got)
		}
	}
	f(exchange.ConnectFailed, "POST", true, true)
	f(exchange.Refused, "POST", true, true)
	f(exchange.Reset, "GET", false, true)
	f(exchange.Reset, "PUT", false, true)
	f(exchange.Reset, "POST", false, false)
	f(exchange.Reset, "PATCH", false, false)
	f(exchange.Reset, "POST", true, true)
	f(exchange.FirstByteTimeout, "GET", false, false)
	f(exchange.Invalid, "GET", false, false)
	f(exchange.ClientBody, "GET", true, false)
	f(exchange.Canceled, "GET", true, false)
	if r.allows(causeGateway, []byte("GET"), false) {
		t.Error("gateway-error is retried though it is not named")
	}
	r = newRetryRule(config.Retry{On: []string{"gateway-error"}})
	if r.attempts != 1 || !r.allows(causeGateway, []byte("GET"), false) || r.allows(causeGateway, []byte("POST"), false) || r.allows(causeRefused, []byte("GET"), true) {
		t.Error("only gateway-error is named")
	}
}

func TestRetry_PauseDoublesWithinBounds(t *testing.T) {
	r := retryRule{initial: 40 * time.Millisecond, max: 100 * time.Millisecond}
	f := func(attempt int, low, high time.Duration) {
		t.Helper()
		for range 100 {
			if d := r.pause(attempt); d < low || d > high {
				t.Fatalf("attempt %d waits %v, want %v to %v", attempt, d, low, high)
			}
		}
	}
	f(2, 20*time.Millisecond, 40*time.Millisecond)
	f(3, 40*time.Millisecond, 80*time.Millisecond)
	f(4, 50*time.Millisecond, 100*time.Millisecond)
	f(60, 50*time.Millisecond, 100*time.Millisecond)
	r = retryRule{}
	f(2, 0, 0)
}

func never() <-chan struct{} { return nil }

func TestBudget_BoundsRetriesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b budget
		for range minRetries {
			if !b.take(1, 0.2, never) {
				t.Fatal("the least is not granted")
			}
		}
		start := time.Now()
		if b.take(1, 0.2, never) {
			t.Error("one more was granted")
		}
		if waited := time.Since(start); waited != budgetWait {
			t.Errorf("gave up after %v", waited)
		}
		if !b.take(100, 0.2, never) {
			t.Error("a busy pool may retry more")
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if !b.take(1, 0.2, never) {
				t.Error("a place that became free was not handed on")
			}
		})
		synctest.Wait()
		b.give()
		wg.Wait()
		gone := make(chan struct{})
		close(gone)
		if b.take(1, 0.2, func() <-chan struct{} { return gone }) {
			t.Error("granted to a client that has left")
		}
		for range minRetries + 1 {
			b.give()
		}
		if b.retrying != 0 || len(b.waiting) != 0 {
			t.Errorf("left: %d, %d waiting", b.retrying, len(b.waiting))
		}
	})
}
