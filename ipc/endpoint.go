package ipc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/event"
)

// Endpoint is drover's side of the channel to one worker. All methods may be
// called concurrently.
type Endpoint struct {
	hub    *Hub
	id     string
	ours   *os.File
	theirs *os.File
	notify *notifySocket

	ready     chan struct{}
	readyOnce sync.Once
	closeOnce sync.Once
	closeErr  error
	reading   sync.WaitGroup

	frames, skipped, invalid atomic.Uint64
}

// Counts says what came over an endpoint since it was opened.
type Counts struct {
	Frames  uint64 // lines that were messages
	Skipped uint64 // lines longer than MaxFrame
	Invalid uint64 // lines that were not JSON
}

func openEndpoint(h *Hub, id, notifyPath string) (*Endpoint, error) {
	notify, err := listenNotify(notifyPath)
	if err != nil {
		return nil, fmt.Errorf("open the channel to %s: %w", id, err)
	}
	ours, theirs, err := socketPair(id)
	if err != nil {
		return nil, errors.Join(err, notify.close())
	}
	e := &Endpoint{hub: h, id: id, ours: ours, theirs: theirs, notify: notify, ready: make(chan struct{})}
	e.reading.Go(e.readFrames)
	e.reading.Go(func() { notify.read(e.sayReady) })
	return e, nil
}

// File is the worker's end of the message channel, to be inherited. The caller
// closes it once the worker has started.
func (e *Endpoint) File() *os.File { return e.theirs }

// NotifySocket is the path of the socket where the worker may write READY=1.
func (e *Endpoint) NotifySocket() string { return e.notify.path }

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
	frame, err := json.Marshal(struct {
		Type  string `json:"type"`
		Grace int64  `json:"graceSeconds"`
	}{"shutdown", int64(grace.Round(time.Second) / time.Second)})
	if err != nil {
		return // cannot happen: a string and a number
	}
	raw, err := e.ours.SyscallConn()
	if err != nil {
		return // closed
	}
	// One try on the descriptor, which does not block. A stream socket takes
	// so short a frame whole or not at all.
	_ = raw.Write(func(fd uintptr) bool {
		_, _ = unix.Write(int(fd), append(frame, '\n')) // full or gone: see above
		return true
	})
}

// Close ends both sockets, removes the notify socket's file and returns when
// nothing reads any more. Further calls return the first one's result.
func (e *Endpoint) Close() error {
	e.closeOnce.Do(func() {
		_ = e.theirs.Close() // mostly closed already, after the start
		if err := errors.Join(e.ours.Close(), e.notify.close()); err != nil {
			e.closeErr = fmt.Errorf("close the channel to %s: %w", e.id, err)
		}
		e.reading.Wait()
		e.hub.forget(e)
	})
	return e.closeErr
}

func (e *Endpoint) sayReady() { e.readyOnce.Do(func() { close(e.ready) }) }

// readFrames reads messages until the worker's end, or ours, is closed.
func (e *Endpoint) readFrames() {
	in := newLines(e.ours)
	for {
		line, tooLong, err := in.next()
		if err != nil {
			return
		}
		if tooLong {
			e.skip()
			continue
		}
		kind, err := parseFrame(line)
		if err != nil {
			e.invalid.Add(1)
			continue
		}
		e.frames.Add(1)
		if kind == frameReady {
			e.sayReady()
		}
	}
}

// skip counts a line that was too long and says so the first time.
func (e *Endpoint) skip() {
	if e.skipped.Add(1) == 1 {
		e.hub.bus.Publish(event.Event{
			Kind: event.Internal, Subject: e.id,
			Message: fmt.Sprintf("a message of worker %s was longer than %d bytes and was skipped; later ones are only counted", e.id, MaxFrame),
		})
	}
}
