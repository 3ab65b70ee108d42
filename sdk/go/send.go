package drover

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Delivery says where a message went.
type Delivery struct {
	Worker       string `json:"worker"`
	Acknowledged bool   `json:"acknowledged"` // false: it was written to a worker that does not acknowledge
}

// Failure is a worker that did not get a message, or did not say so: with the
// codes worker-gone and timeout it is unknown whether it handled it.
type Failure struct {
	Worker  string `json:"worker"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Result says how many workers got a message.
type Result struct {
	Received int       `json:"received"` // acknowledged it
	Sent     int       `json:"sent"`     // it was written to them; they do not acknowledge
	Failed   []Failure `json:"failed"`
}

// Answer is what a request was answered with.
type Answer struct {
	From string
	Data json.RawMessage
}

// SendTo sends a message to a worker and returns once that has handled it (see
// Client.Handle). After an error that is ErrTimeout or ErrWorkerGone, and after
// ctx has ended, it is unknown whether it was handled; drover never sends twice.
func (c *Client) SendTo(ctx context.Context, worker, kind string, data any) (Delivery, error) {
	return c.Send(ctx, Target{Worker: worker}, kind, data)
}

// SendToRandom sends a message to one other worker of a pool, by default (empty) of its own.
func (c *Client) SendToRandom(ctx context.Context, pool, kind string, data any) (Delivery, error) {
	return c.Send(ctx, Target{Pool: pool}, kind, data)
}

// Send sends a message to one worker. See SendTo.
func (c *Client) Send(ctx context.Context, to Target, kind string, data any) (Delivery, error) {
	var d Delivery
	err := c.send(ctx, message{verb: "send", to: to, kind: kind, pools: []string{to.pool(c.Worker().Pool)}}, data, &d)
	return d, err
}

// Broadcast sends a message to all other workers of its own pool.
func (c *Client) Broadcast(ctx context.Context, kind string, data any) (Result, error) {
	return c.BroadcastTo(ctx, "", kind, data)
}

// BroadcastTo sends a message to all workers, but itself, of a pool, or of AllPools.
func (c *Client) BroadcastTo(ctx context.Context, pool, kind string, data any) (Result, error) {
	m := message{verb: "broadcast", to: Target{Pool: pool}, kind: kind, pools: []string{Target{Pool: pool}.pool(c.Worker().Pool)}}
	if pool == AllPools {
		m.pools, m.several = c.vault.pools(), true
	}
	var r Result
	err := c.send(ctx, m, data, &r)
	return r, err
}

// Publish sends a message to the other workers that subscribed to the topic.
func (c *Client) Publish(ctx context.Context, topic string, data any) (Result, error) {
	var r Result
	err := c.send(ctx, message{verb: "publish", topic: topic, pools: c.vault.pools(), several: true}, data, &r)
	return r, err
}

// Request sends a request to a worker and waits for its answer: until the
// deadline of ctx, or as long as ipc.requestTimeout. When ctx ends before, the
// handler's context ends, too.
func (c *Client) Request(ctx context.Context, to Target, kind string, data any) (Answer, error) {
	m := message{verb: "request", to: to, kind: kind, pools: []string{to.pool(c.Worker().Pool)}, timeout: timeoutOf(ctx)}
	wait, id, err := c.startMessage(ctx, m, data, func(f *frame) error { return c.reveal(f, kind) })
	if err != nil {
		return Answer{}, m.failed(err)
	}
	f, err := c.finish(ctx, id, wait)
	if err == nil {
		return Answer{From: f.From, Data: f.Data}, nil
	}
	if ctx.Err() != nil {
		_ = c.put(newLine("cancel").id(id).end()) // closed: nobody answers any more
	}
	return Answer{}, m.failed(err)
}

// message is a frame with a payload.
type message struct {
	verb    string
	to      Target
	kind    string
	topic   string
	timeout uint64
	pools   []string // that the payload is encrypted for
	several bool     // as an object with a token for each pool
}

func (m message) failed(err error) error {
	return fmt.Errorf("%s %s%s: %w", m.verb, m.kind, m.topic, err)
}

// send sends a message and reads drover's reply.
func (c *Client) send(ctx context.Context, m message, data, into any) error {
	wait, id, err := c.startMessage(ctx, m, data, nil)
	if err != nil {
		return m.failed(err)
	}
	f, err := c.finish(ctx, id, wait)
	if err == nil {
		err = json.Unmarshal(f.Data, into)
	}
	if err != nil {
		return m.failed(err)
	}
	return nil
}

func (c *Client) startMessage(ctx context.Context, m message, data any, read func(*frame) error) (<-chan answered, uint64, error) {
	raw, err := encode(data)
	if err != nil {
		return nil, 0, err
	}
	return c.start(ctx, read, func(id uint64) error {
		l := newLine(m.verb).id(id).target(m.to).optional("type", m.kind).optional("topic", m.topic)
		return c.putPayload(l, m, raw, func(l line) line {
			if m.timeout > 0 {
				l = l.number("timeoutMs", m.timeout)
			}
			return l.end()
		})
	})
}

// putPayload adds the data to a frame, encrypted where encryption is on, and queues it.
func (c *Client) putPayload(l line, m message, data []byte, end func(line) line) error {
	if !c.encrypts() {
		return c.put(end(l.json("data", data)))
	}
	c.vault.order.Lock()
	defer c.vault.order.Unlock()
	tokens := make([]byte, 0, len(data)*3/2+300)
	for i, pool := range m.pools {
		token, err := c.vault.sealLocked(pool, c.Worker().ID, m.kind+m.topic, data)
		if err != nil {
			return err
		}
		if m.several {
			if i > 0 {
				tokens = append(tokens, ',')
			}
			tokens = append(appendText(tokens, pool), ':')
		}
		tokens = appendText(tokens, token)
	}
	if m.several {
		tokens = append(append([]byte{'{'}, tokens...), '}')
	}
	return c.put(end(l.json("jwe", tokens)))
}

// reveal makes the data of a frame readable. It is called in the order in which
// frames came, since tokens are good in that order only.
func (c *Client) reveal(f *frame, kind string) error {
	if !c.encrypts() {
		return nil
	}
	data, err := c.vault.open(f.JWE, f.From, kind)
	if err != nil {
		return &Error{Code: "refused", Message: err.Error()}
	}
	f.Data = data
	return nil
}

// timeoutOf is the time that ctx leaves, in milliseconds as drover takes them; 0: no deadline.
func timeoutOf(ctx context.Context) uint64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	left := (time.Until(deadline) + time.Millisecond - 1) / time.Millisecond
	return uint64(min(max(left, 1), time.Hour/time.Millisecond))
}
