package drover

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// local is drover's part for a program that runs without it: a cluster of one
// worker, which speaks the protocol over a pipe in this process. Messages and
// requests reach the worker itself where they name it, nobody else is there, and
// the cache is a map.
type local struct {
	conn  net.Conn
	me    Worker
	cache *localCache

	writing sync.Mutex

	mu       sync.Mutex
	last     uint64                  // seq of messages and id of requests to the worker
	sent     map[uint64]uint64       // the id of a send, by the seq of its message
	requests map[uint64]localRequest // by the id that the responder knows
}

// localRequest is a request that the worker sent to itself.
type localRequest struct {
	id      uint64 // the requester's
	timeout *time.Timer
}

// newLocal returns the worker's end.
func newLocal() net.Conn {
	theirs, ours := net.Pipe()
	l := &local{conn: ours, me: Worker{ID: "app-1.1", Pool: "app", Slot: 1, Generation: 1},
		requests: make(map[uint64]localRequest), sent: make(map[uint64]uint64)}
	if id := os.Getenv("DROVER_WORKER_ID"); id != "" {
		pool, slot, generation := splitID(id)
		l.me = Worker{id, pool, slot, generation}
	}
	l.cache = newLocalCache(func(drop line) { l.write(drop) })
	go l.run()
	return theirs
}

// localFrame is what the worker sends: the members of all verbs in one.
type localFrame struct {
	frame
	Worker string              `json:"worker"`
	Ops    [][]json.RawMessage `json:"ops"`
}

const localTimeout = 5 * time.Second // as ipc.requestTimeout

func (l *local) run() {
	in := newLines(l.conn)
	for {
		text, err := in.next()
		if err != nil {
			_ = l.conn.Close() // the worker has closed its end
			return
		}
		var f localFrame
		if err := json.Unmarshal(text, &f); err == nil {
			l.take(&f)
		}
	}
}

func (l *local) take(f *localFrame) {
	switch f.Verb {
	case "hello":
		l.reply(f.ID, welcome{Worker: l.me, MaxMessageBytes: 1 << 20, Cache: true, Encryption: "off"})
	case "subscribe", "unsubscribe":
		l.reply(f.ID, nil)
	case "send":
		l.send(f)
	case "broadcast", "publish":
		l.reply(f.ID, Result{Failed: []Failure{}})
	case "ack":
		l.acknowledged(f.Seq, nil)
	case "nack":
		l.acknowledged(f.Seq, f.Error)
	case "request":
		l.request(f)
	case "response":
		l.respond(f)
	case "cancel":
		l.cancelled(f.ID)
	case "cache":
		l.cache.serve(f.Ops, func(results []any) { l.reply(f.ID, results) })
	}
}

func (l *local) write(frame line) {
	l.writing.Lock()
	defer l.writing.Unlock()
	_, _ = l.conn.Write(frame) // closed: the worker is gone
}

// reply answers a frame, if it has an id.
func (l *local) reply(id uint64, data any) {
	raw, err := encode(data)
	if err != nil {
		panic(err) // cannot happen: structs of texts and numbers
	}
	l.replyRaw(id, "", raw)
}

func (l *local) replyRaw(id uint64, from string, data []byte) {
	if id != 0 {
		l.write(newLine("reply").id(id).optional("from", from).json("data", data).end())
	}
}

func (l *local) fail(id uint64, e *Error) {
	text, _ := encode(e) // two strings
	if id != 0 {
		l.write(newLine("reply").id(id).json("error", text).end())
	}
}

// isMe reports whether a frame goes to this worker by name.
func (l *local) isMe(f *localFrame) bool {
	slot, _, _ := strings.Cut(l.me.ID, ".")
	if f.Worker == l.me.ID || f.Worker == slot {
		return true
	}
	e := &Error{Code: "no-target", Message: "there is no other worker: this program runs without drover"}
	if f.Worker != "" {
		e.Message = fmt.Sprintf("there is no worker %s: this program runs without drover", f.Worker)
	}
	l.fail(f.ID, e)
	return false
}

func (l *local) send(f *localFrame) {
	if !l.isMe(f) {
		return
	}
	l.mu.Lock()
	l.last++
	seq := l.last
	l.sent[seq] = f.ID
	l.mu.Unlock()
	l.write(newLine("message").number("seq", seq).text("from", l.me.ID).text("type", f.Type).json("data", f.Data).end())
}

// acknowledged ends the sends up to seq; the last one is refused if there is an error.
func (l *local) acknowledged(seq uint64, refused *Error) {
	l.mu.Lock()
	ended := make(map[uint64]uint64)
	for s, id := range l.sent {
		if s <= seq {
			ended[s] = id
			delete(l.sent, s)
		}
	}
	l.mu.Unlock()
	for s, id := range ended {
		if s == seq && refused != nil {
			l.fail(id, refused)
			continue
		}
		l.reply(id, Delivery{Worker: l.me.ID, Acknowledged: true})
	}
}

func (l *local) request(f *localFrame) {
	if !l.isMe(f) {
		return
	}
	timeout := localTimeout
	if f.TimeoutMs > 0 {
		timeout = time.Duration(f.TimeoutMs) * time.Millisecond
	}
	l.mu.Lock()
	l.last++
	to := l.last
	timer := time.AfterFunc(timeout, func() { l.end(to, &Error{Code: "timeout", Message: "no answer within " + timeout.String()}) })
	l.requests[to] = localRequest{f.ID, timer}
	l.mu.Unlock()
	l.write(newLine("request").id(to).text("from", l.me.ID).text("type", f.Type).json("data", f.Data).
		number("timeoutMs", uint64(timeout.Milliseconds())).end())
}

// remove returns a request that is open, and forgets it.
func (l *local) remove(to uint64) (localRequest, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.requests[to]
	if ok {
		r.timeout.Stop()
		delete(l.requests, to)
	}
	return r, ok
}

func (l *local) respond(f *localFrame) {
	r, ok := l.remove(f.ID)
	switch {
	case !ok: // too late
	case f.Error != nil:
		l.fail(r.id, f.Error)
	default:
		l.replyRaw(r.id, l.me.ID, f.Data)
	}
}

func (l *local) cancelled(id uint64) {
	l.mu.Lock()
	var to uint64
	for t, r := range l.requests {
		if r.id == id {
			to = t
		}
	}
	l.mu.Unlock()
	l.end(to, &Error{Code: "cancelled"})
}

// end ends a request without an answer, and tells the responder.
func (l *local) end(to uint64, e *Error) {
	if r, ok := l.remove(to); ok {
		l.write(newLine("cancel").id(to).end())
		l.fail(r.id, e)
	}
}
