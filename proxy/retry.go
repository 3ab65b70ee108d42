package proxy

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// cause is why an attempt failed in a way that another one may mend.
type cause uint8

const (
	causeNone cause = iota
	causeConnect
	causeRefused
	causeReset
	causeGateway
)

// String returns the cause as settings and metrics name it.
func (c cause) String() string {
	return [...]string{"none", "connect-failure", "refused", "reset-before-response", "gateway-error"}[c]
}

// retryRule is a pool's retry settings.
type retryRule struct {
	attempts     int // the first included; at least 1
	on           [5]bool
	ratio        float64
	initial, max time.Duration
}

func newRetryRule(cfg config.Retry) retryRule {
	r := retryRule{
		attempts: max(cfg.Attempts, 1), ratio: cfg.Budget.Ratio(),
		initial: cfg.Backoff.Initial.Std(), max: cfg.Backoff.Max.Std(),
	}
	for c := causeConnect; c <= causeGateway; c++ {
		r.on[c] = slices.Contains(cfg.On, c.String())
	}
	return r
}

// causeOf returns why an exchange failed before the head of its answer came.
func causeOf(err *exchange.Error) cause {
	switch err.Kind {
	case exchange.ConnectFailed:
		return causeConnect
	case exchange.Refused:
		return causeRefused
	case exchange.Reset:
		return causeReset
	}
	return causeNone
}

// allows reports whether a request may be sent again. Where nothing was sent
// any method may; where the upstream may have acted on it only one that can be
// done twice without harm, RFC 9110 section 9.2.2.
func (r *retryRule) allows(c cause, method []byte, unsent bool) bool {
	if !r.on[c] {
		return false
	}
	switch c {
	case causeConnect, causeRefused:
		return true
	case causeReset:
		return unsent || idempotent(method)
	case causeGateway:
		return idempotent(method)
	}
	return false
}

// pause returns how long to wait before attempt n (2 for the first retry): half
// of the backoff and a random part of the other half, so that retries of
// requests that failed together spread out.
func (r *retryRule) pause(n int) time.Duration {
	d := r.initial
	for ; n > 2 && d < r.max; n-- {
		d *= 2
	}
	d = min(d, r.max)
	if d <= 0 {
		return 0
	}
	return d/2 + rand.N(d/2+1)
}

func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// gatewayError reports whether an upstream's own answer says that it could not
// reach what is behind it.
func gatewayError(status int) bool { return status == 502 || status == 503 || status == 504 }
