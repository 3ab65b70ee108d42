package metrics

import "time"

// messageKinds and messageResults are the closed sets of the labels of
// drover_ipc_messages_total. A result can be the code of a worker's own, which
// is then OTHER.
var (
	messageKinds   = setOf("send", "broadcast", "publish", "request", "response", "bare", "event")
	messageResults = setOf("ok", "bad-frame", "unknown-verb", "version", "key", "forged-from", "bad-type", "too-large", "too-deep",
		"unknown-type", "schema", "plain-payload", "forbidden", "no-target", "duplicate-id", "too-many-requests",
		"too-many-subscriptions", "queue-full", "worker-gone", "timeout", "cancelled", "no-handler", "handler-error", "refused", "cache-off")
)

// ipcBuckets begin where a message between two idle processes of one machine
// arrives.
var ipcBuckets = append([]float64{.00005, .0001, .00025}, buckets[:]...)

// IPCMessage counts a message over the workers' channels: its kind, and ok or
// the code of the error that it met.
func (m *Metrics) IPCMessage(kind, result string) {
	m.messages.WithLabelValues(within(messageKinds, kind), within(messageResults, result)).Inc()
}

// IPCRequest counts the time that a request between workers took to its end.
func (m *Metrics) IPCRequest(d time.Duration) { m.ipcRequests.Observe(d.Seconds()) }

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// within returns a label of a closed set, or OTHER.
func within(set map[string]bool, label string) string {
	if set[label] {
		return label
	}
	return other
}
