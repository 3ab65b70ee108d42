package ipc

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/inherit"
)

// Endpoint is drover's side of the channel to one worker. All methods may be
// called concurrently.
type Endpoint struct {
	hub    *Hub
	id     string
	place  place
	ours   *os.File
	theirs *os.File
	notify *notifySocket
	key    string // opens the socket path, once
	out    *outbox

	ready     chan struct{}
	readyOnce sync.Once
	closeOnce sync.Once
	closeErr  error
	reading   sync.WaitGroup

	greeted atomic.Bool // it said hello
	acks    atomic.Bool // it said hello, and acknowledges messages
	takes   atomic.Bool // it takes part: messages are routed to it

	mu       sync.Mutex
	link     net.Conn // over the socket path; nil: none
	gone     bool
	closed   bool
	inbox    inbox
	asked    map[uint64]*call // its open requests, by its ids
	duties   map[uint64]*call // open requests to it, by our ids
	lastDuty uint64
	dutyKept int // bytes of open requests to it that are kept for the audit log
	topics   Patterns
	events   Patterns
	pings    pings
	health   Health
	vitals   Runtime

	frames, skipped, invalid atomic.Uint64
}

// Counts says what came over an endpoint since it was opened.
type Counts struct {
	Frames  uint64 // lines that were messages
	Skipped uint64 // lines that were too long
	Invalid uint64 // lines that were not JSON
}

func openEndpoint(h *Hub, id, notifyPath string) (*Endpoint, error) {
	notify, err := listenNotify(notifyPath)
	if err != nil {
		return nil, fmt.Errorf("open the channel to %s: %w", id, err)
	}
	ours, theirs, err := inherit.Pair("ipc " + id)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the message channel of %s: %w", id, err), notify.close())
	}
	e := &Endpoint{
		hub: h, id: id, place: parsePlace(id), ours: ours, theirs: theirs, notify: notify, key: newKey(),
		out: newOutbox(h.options.QueueLength), ready: make(chan struct{}),
		asked: make(map[uint64]*call), duties: make(map[uint64]*call),
	}
	e.out.use(ours)
	return e, nil
}

// listen begins to read both sockets.
func (e *Endpoint) listen() {
	e.reading.Go(func() { e.serve(e.ours, newLines(e.hub.options.lineLimit()), nil) })
	e.reading.Go(func() { e.notify.read(e.sayReady) })
}

// File is the worker's end of the message channel, to be inherited. The caller
// closes it once the worker has started.
func (e *Endpoint) File() *os.File { return e.theirs }

// NotifySocket is the path of the socket where the worker may write READY=1.
func (e *Endpoint) NotifySocket() string { return e.notify.path }

// Link is where a program that did not inherit the channel connects to, and the
// key that it shows there once.
func (e *Endpoint) Link() (socket, key string) { return e.hub.links.path, e.key }

// Ready is closed once the worker has said, over either socket, that it is ready.
func (e *Endpoint) Ready() <-chan struct{} { return e.ready }

// Counts returns what came over the message channel so far.
func (e *Endpoint) Counts() Counts {
	return Counts{Frames: e.frames.Load(), Skipped: e.skipped.Load(), Invalid: e.invalid.Load()}
}

// Shutdown tells the worker that it will be stopped and has grace to end by
// itself. It never waits: a worker that does not read misses the notice and
// gets its signal all the same.
func (e *Endpoint) Shutdown(grace time.Duration) {
	e.out.put(false, func(b []byte) []byte {
		return fmt.Appendf(b, `{"drover":"shutdown","type":"shutdown","graceSeconds":%d}`, int64(grace.Round(time.Second)/time.Second))
	})
	e.out.flush()
}

// Collect asks the worker to collect its garbage. It never waits, and a program
// that does not know the frame passes over it.
func (e *Endpoint) Collect() {
	// Node.js and Bun give an application no message whose cmd begins so.
	e.out.put(true, func(b []byte) []byte { return append(b, `{"drover":"gc","cmd":"NODE_DROVER_GC"}`...) })
	e.out.flush()
}

// Exited tells that the worker's process has ended: what it owes is failed at
// once, even where a descendant of it still holds the channel.
func (e *Endpoint) Exited() { e.leave() }

// Close ends all sockets, removes the notify socket's file and returns when
// nothing reads any more. Further calls return the first one's result.
func (e *Endpoint) Close() error {
	e.closeOnce.Do(func() {
		_ = e.theirs.Close() // mostly closed already, after the start
		e.out.close()        // a reader may wait for its worker to read
		e.mu.Lock()
		link := e.link
		e.closed = true
		e.mu.Unlock()
		if link != nil {
			_ = link.Close() // only read from now on
		}
		if err := errors.Join(e.ours.Close(), e.notify.close()); err != nil {
			e.closeErr = fmt.Errorf("close the channel to %s: %w", e.id, err)
		}
		e.reading.Wait()
		e.leave()
		e.hub.forget(e)
	})
	return e.closeErr
}

func (e *Endpoint) sayReady() { e.readyOnce.Do(func() { close(e.ready) }) }

// read acts on one line.
func (e *Endpoint) read(p *parser, line []byte, tooLong bool, b *batch) {
	if tooLong {
		e.skip()
		return
	}
	var f frame
	if err := p.parse(line, &f); err != nil {
		e.invalid.Add(1)
		e.salvage(&f, line, err, b)
		return
	}
	e.frames.Add(1)
	switch {
	case f.verb != "":
		e.handle(&f, b)
	case f.ready:
		e.sayReady()
	case f.runtimeTraffic:
	default:
		e.bare(line, b)
	}
}

// handle acts on a frame of the protocol and answers it where it is refused.
func (e *Endpoint) handle(f *frame, b *batch) {
	v, known := verb(f.verb)
	var err *Error
	if !known {
		err = refuse(CodeUnknownVerb, "drover knows no frame %.150q that a worker may send", f.verb)
	} else if err = f.check(v); err == nil {
		err = v.act(e, f, b)
	}
	if err == nil {
		return
	}
	e.hub.count(f.verb, err.Code)
	e.hub.record(f, e.id, err)
	// The ids of these are ours.
	if f.verb != "response" && f.verb != "pong" {
		e.fail(f.id, err, b)
	}
}

// skip counts a line that was too long and says so the first time.
func (e *Endpoint) skip() {
	if e.skipped.Add(1) == 1 {
		e.hub.bus.Publish(event.Event{
			Kind: event.Internal, Subject: e.id,
			Message: fmt.Sprintf("a message of worker %s was longer than %d bytes and was skipped; later ones are only counted",
				e.id, e.hub.options.lineLimit()),
		})
	}
}

// reply answers the frame with this id, if it has one, with what data writes.
func (e *Endpoint) reply(id uint64, b *batch, data func([]byte) []byte) {
	if id == 0 {
		return
	}
	e.out.put(false, func(buf []byte) []byte {
		buf = appendHead(buf, "reply", id)
		return append(data(append(buf, `,"data":`...)), '}')
	})
	b.add(e)
}

// fail answers the frame with this id, if it has one, with an error.
func (e *Endpoint) fail(id uint64, err *Error, b *batch) {
	if id == 0 {
		return
	}
	e.out.put(false, func(buf []byte) []byte {
		return append(appendError(append(appendHead(buf, "reply", id), `,"error":`...), err), '}')
	})
	b.add(e)
}

// leave takes the worker out: what it owes fails, what it asked for ends.
func (e *Endpoint) leave() {
	e.mu.Lock()
	if e.gone {
		e.mu.Unlock()
		return
	}
	e.gone = true
	unread, asked, duties := e.inbox.take(), slices.Collect(maps.Values(e.asked)), slices.Collect(maps.Values(e.duties))
	e.pings.fail(refuse(CodeWorkerGone, "worker %s has closed its channel", e.id))
	e.mu.Unlock()

	e.hub.leave(e)
	gone := refuse(CodeWorkerGone, "worker %s ended", e.id)
	var b batch
	for _, d := range unread {
		d.settle(e, true, gone)
	}
	for _, c := range duties {
		c.end(answer{err: gone}, &b)
	}
	for _, c := range asked {
		c.end(answer{err: refuse(CodeCancelled, "its requester ended")}, &b)
	}
	b.flush()
	if e.hub.options.Cache != nil {
		e.hub.options.Cache.Gone(e.id)
	}
	if e.hub.options.Metrics != nil {
		e.hub.options.Metrics.Gone(e.id)
	}
}
