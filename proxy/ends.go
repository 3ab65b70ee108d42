package proxy

// Why a request ended, as the access log says it.
const (
	endOK              = "ok"
	endClientClosed    = "client-closed"
	endClientTimeout   = "client-timeout"
	endBadRequest      = "bad-request"
	endTooLarge        = "too-large"
	endNoRoute         = "no-route"
	endNoUpstream      = "no-upstream"
	endQueueFull       = "queue-full"
	endQueueTimeout    = "queue-timeout"
	endBreakerOpen     = "breaker-open"
	endConnectFailed   = "connect-failed"
	endUpstreamReset   = "upstream-reset"
	endUpstreamTimeout = "upstream-timeout"
	endUpstreamInvalid = "upstream-invalid"
	endTruncated       = "truncated"
	endDraining        = "draining"
	endInternal        = "internal"
)
