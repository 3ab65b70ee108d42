package logs

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/config"
)

const (
	// accessDelay gathers requests before they are written: one write and one
	// wake-up per hundredth of a second, however many requests there are.
	accessDelay = 10 * time.Millisecond
	// accessLimit bounds the memory of lines that wait for a stuck disk, over all shards.
	accessLimit = 16 << 20
)

// AccessLog is the log of requests. Its methods may be called concurrently, wait
// for nothing but a short lock, and allocate nothing once the buffers have grown.
type AccessLog struct {
	q        *queue
	settings atomic.Pointer[accessSettings]
}

// accessSettings never change after they were published.
type accessSettings struct {
	enabled bool
	console bool
	sample  float64
	exclude [][]byte
}

func (a *AccessLog) apply(cfg config.AccessLog, console bool) {
	s := &accessSettings{enabled: cfg.Enabled, sample: cfg.Sample, console: console}
	for _, prefix := range cfg.Exclude {
		s.exclude = append(s.exclude, []byte(prefix))
	}
	a.settings.Store(s)
}

// Enabled reports whether requests are logged at all, so that a caller can spare
// itself making the record. A nil log is not enabled.
func (a *AccessLog) Enabled() bool { return a != nil && a.settings.Load().enabled }

// Dropped returns how many lines were lost because they could not be written fast enough.
func (a *AccessLog) Dropped() uint64 { return a.q.dropped.Load() }

// Log writes one line for the request, unless sampling or exclusion leave it out,
// which they do only for requests that succeeded. It copies what it needs of r
// and never waits for the disk. A nil log takes records and forgets them.
func (a *AccessLog) Log(r *Record) {
	if a == nil {
		return
	}
	set := a.settings.Load()
	if !set.enabled || (r.succeeded() && set.skips(r)) {
		return
	}
	s := a.q.lock()
	if s == nil {
		return
	}
	before := len(s.buf)
	if set.console {
		s.buf = r.appendConsole(s.buf, &s.stamp)
	} else {
		s.buf = r.appendJSON(s.buf, &s.stamp)
	}
	a.q.unlock(s, before)
}

func (s *accessSettings) skips(r *Record) bool {
	for _, prefix := range s.exclude {
		if bytes.HasPrefix(r.Path, prefix) {
			return true
		}
	}
	return s.sample < 1 && rand.Float64() >= s.sample
}

func (r *Record) appendJSON(b []byte, st *stamp) []byte {
	b = append(b, `{"ts":"`...)
	b = st.append(b, r.Time)
	b = append(b, `","level":"info","msg":"request","requestId":`...)
	b = appendString(b, r.RequestID)
	if len(r.TraceID) > 0 {
		b = append(b, `,"traceId":`...)
		b = appendString(b, r.TraceID)
	}
	b = append(b, `,"client":`...)
	b = appendString(b, r.Client)
	b = append(b, `,"listener":`...)
	b = appendString(b, r.Listener)
	b = append(b, `,"method":`...)
	b = appendString(b, r.Method)
	b = append(b, `,"host":`...)
	b = appendString(b, r.Host)
	b = append(b, `,"path":`...)
	b = appendString(b, r.Path)
	b = append(b, `,"proto":`...)
	b = appendString(b, r.Proto)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, `,"bytesIn":`...)
	b = strconv.AppendInt(b, r.BytesIn, 10)
	b = append(b, `,"bytesOut":`...)
	b = strconv.AppendInt(b, r.BytesOut, 10)
	b = append(b, `,"duration":`...)
	b = appendSeconds(b, r.Duration)
	b = append(b, `,"pool":`...)
	b = appendString(b, r.Pool)
	b = append(b, `,"upstream":`...)
	b = appendString(b, r.Upstream)
	b = append(b, `,"attempts":`...)
	b = strconv.AppendInt(b, int64(r.Attempts), 10)
	b = append(b, `,"upstreamDuration":`...)
	b = appendSeconds(b, r.UpstreamDuration)
	b = append(b, `,"queueWait":`...)
	b = appendSeconds(b, r.QueueWait)
	b = append(b, `,"end":`...)
	b = appendString(b, r.End)
	return append(b, '}', '\n')
}

// appendConsole appends a line for a person at a terminal: time, status, method,
// host and path, duration, upstream, and how it ended unless that was well.
func (r *Record) appendConsole(b []byte, st *stamp) []byte {
	b = st.append(b, r.Time)
	b = append(b, "\trequest\t"...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, ' ')
	b = appendPrintable(b, r.Method)
	b = append(b, ' ')
	b = appendPrintable(b, r.Host)
	b = appendPrintable(b, r.Path)
	b = append(b, ' ')
	b = appendSeconds(b, r.Duration)
	b = append(b, "s "...)
	b = appendPrintable(b, r.Client)
	if r.Upstream != "" {
		b = append(b, " -> "...)
		b = append(b, r.Upstream...)
	}
	if r.Attempts > 1 {
		b = append(b, " attempts="...)
		b = strconv.AppendInt(b, int64(r.Attempts), 10)
	}
	if r.End != "ok" {
		b = append(b, " end="...)
		b = append(b, r.End...)
	}
	return append(b, '\n')
}
