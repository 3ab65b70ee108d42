package proxy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// failure is an answer of drover's own: what the client is told, and why.
type failure struct {
	status  int
	end     string
	proxy   string // error of Proxy-Status, RFC 9209 section 2.3; empty: none
	message string
}

// statusClientClosed is logged for a request whose client left before it was answered; nobody is sent it.
const statusClientClosed = 499

var (
	failNoRoute      = failure{404, endNoRoute, "destination_not_found", "no route takes this request"}
	failPath         = failure{400, endBadRequest, "http_request_error", "the path is not in a form that the route can shorten"}
	failNoUpstream   = failure{503, endNoUpstream, "destination_unavailable", "no upstream is ready"}
	failQueueFull    = failure{503, endQueueFull, "connection_limit_reached", "too many requests are waiting"}
	failQueueTimeout = failure{503, endQueueTimeout, "connection_limit_reached", "no upstream became free in time"}
	failBreakerOpen  = failure{503, endBreakerOpen, "destination_unavailable", "the upstreams fail too often and are left alone for a while"}
	failConnect      = failure{502, endConnectFailed, "connection_timeout", "the upstream could not be reached"}
	failShort        = failure{503, endConnectFailed, "connection_limit_reached", "drover is short of open files, local ports or memory"}
	failRefused      = failure{502, endConnectFailed, "connection_refused", "the upstream does not accept connections"}
	failReset        = failure{502, endUpstreamReset, "connection_terminated", "the upstream closed the connection before it answered"}
	failInvalid      = failure{502, endUpstreamInvalid, "http_protocol_error", "the upstream's answer is not valid HTTP"}
	failTruncated    = failure{502, endTruncated, "http_response_incomplete", "the upstream's answer was cut short"}
	failTimeout      = failure{504, endUpstreamTimeout, "http_response_timeout", "the upstream did not answer in time"}
	failInternal     = failure{500, endInternal, "proxy_internal_error", "drover failed; its log says why"}
	failDraining     = failure{503, endDraining, "proxy_internal_response", "drover is stopping"}
	failTooLarge     = failure{413, endTooLarge, "http_request_error", "the body is larger than this server takes"}
	failBody         = failure{400, endBadRequest, "http_request_error", "the body is malformed"}
	failBodyTimeout  = failure{408, endClientTimeout, "http_request_error", "the body did not arrive in time"}
	failClientClosed = failure{status: statusClientClosed, end: endClientClosed}
)

// statusFor says what a request that got no answer from an upstream is answered.
func statusFor(err error) failure {
	switch {
	case errors.Is(err, pool.ErrQueueFull):
		return failQueueFull
	case errors.Is(err, pool.ErrQueueTimeout):
		return failQueueTimeout
	case errors.Is(err, pool.ErrBreakerOpen):
		return failBreakerOpen
	case errors.Is(err, pool.ErrNoUpstream), errors.Is(err, pool.ErrDraining):
		return failNoUpstream
	case errors.Is(err, pool.ErrSaturated):
		return failQueueFull
	case errors.Is(err, context.Canceled):
		return failClientClosed
	}
	if pool.OwnFault(err) {
		return failShort
	}
	switch exchange.KindOf(err) {
	case exchange.ConnectFailed:
		return failConnect
	case exchange.Refused:
		return failRefused
	case exchange.Reset:
		return failReset
	case exchange.FirstByteTimeout, exchange.IdleTimeout:
		return failTimeout
	case exchange.Invalid:
		return failInvalid
	case exchange.Truncated:
		return failTruncated
	case exchange.Canceled:
		return failClientClosed
	}
	return failInternal
}

// bodyFailure says what a request is answered whose body could not be read.
func bodyFailure(err error) failure {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return failTooLarge
	case errors.Is(err, errChunk), errors.Is(err, errTrailer):
		return failBody
	case isTimeout(err):
		return failBodyTimeout
	}
	return failClientClosed
}

// outcomeOf says how an exchange that failed looks from the upstream's side.
// What the client did, or we, is not held against it.
func outcomeOf(err error) pool.Result {
	if pool.OwnFault(err) {
		return pool.Neutral
	}
	switch exchange.KindOf(err) {
	case exchange.ConnectFailed, exchange.Refused:
		return pool.ConnectFailed
	case exchange.Reset, exchange.Truncated:
		return pool.Reset
	case exchange.FirstByteTimeout, exchange.IdleTimeout:
		return pool.Timeout
	case exchange.Invalid:
		return pool.Invalid
	}
	return pool.Neutral
}

// refused reports whether it was drover's decision not to serve the request,
// which drover_rejected_total counts by its end.
func (f *failure) refused() bool {
	switch f.end {
	case endBadRequest, endTooLarge, endNoRoute, endNoUpstream, endQueueFull, endQueueTimeout, endBreakerOpen, endDraining:
		return true
	}
	return false
}

// retryAfter is the value of Retry-After with 503: long enough for a worker to
// start or a breaker to try again, short enough not to be noticed as an outage.
const retryAfter = "1"

// appendLines appends the header lines of the answer.
func (f *failure) appendLines(dst []byte, json bool) []byte {
	if json {
		dst = append(dst, "Content-Type: application/json\r\n"...)
	} else {
		dst = append(dst, "Content-Type: text/plain; charset=utf-8\r\n"...)
	}
	return f.appendCommon(dst, f.status)
}

// appendCommon appends the header lines that all answers of drover's own have.
func (f *failure) appendCommon(dst []byte, status int) []byte {
	dst = append(dst, "Date: "...)
	dst = time.Now().UTC().AppendFormat(dst, http.TimeFormat) // RFC 9110 section 6.6.1
	dst = append(dst, "\r\nCache-Control: no-store\r\n"...)
	if f.proxy != "" {
		dst = append(dst, "Proxy-Status: drover; error="...)
		dst = append(append(dst, f.proxy...), "\r\n"...)
	}
	switch status {
	case 429, 503:
		dst = append(dst, "Retry-After: "+retryAfter+"\r\n"...)
	case 405:
		dst = append(dst, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"...)
	}
	return dst
}

// appendBody appends the body of the answer.
func (f *failure) appendBody(dst []byte, json bool, id []byte) []byte {
	if !json {
		dst = append(append(dst, f.end...), ": "...)
		return append(append(dst, f.message...), '\n')
	}
	dst = append(append(dst, `{"error":{"code":"`...), f.end...)
	dst = append(append(dst, `","message":"`...), f.message...)
	dst = append(append(dst, `"},"requestId":"`...), id...) // ids have no byte that JSON escapes
	return append(dst, '"', '}', '\n')
}

// wantsJSON reports whether the client prefers JSON to text.
func wantsJSON(m *message) bool {
	if !m.has(nameAccept) {
		return false
	}
	for i := range m.fields {
		if m.fields[i].name == nameAccept && bytes.Contains(m.fields[i].value, []byte("json")) {
			return true
		}
	}
	return false
}

// reasonOf returns the reason phrase of a status that drover answers by itself.
func reasonOf(status int) string {
	switch status {
	case 100:
		return "Continue"
	case 102:
		return "Processing"
	case 103:
		return "Early Hints"
	case 400:
		return "Bad Request"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 417:
		return "Expectation Failed"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Gateway Timeout"
	case 505:
		return "HTTP Version Not Supported"
	}
	return ""
}
