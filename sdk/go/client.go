package drover

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// version is that of the protocol; client names this package to drover.
const (
	version = 1
	client  = "go/1.0.0"
)

// Worker says who this worker is.
type Worker struct {
	ID         string `json:"worker"` // app-3.7
	Pool       string `json:"pool"`
	Slot       int    `json:"slot"`
	Generation int    `json:"generation"`
}

// welcome is drover's reply to hello.
type welcome struct {
	Worker
	MaxMessageBytes int                        `json:"maxMessageBytes"`
	Cache           bool                       `json:"cache"`
	Encryption      string                     `json:"encryption"`
	Schemas         map[string]json.RawMessage `json:"schemas"`

	schemas schemas
}

// Client is a worker's side of its channel to drover. All its methods may be
// called concurrently.
type Client struct {
	conn  io.ReadWriteCloser
	calls *calls
	out   *outbox

	welcome atomic.Pointer[welcome] // set by the reader, before it takes what comes after

	vault    *vault
	handlers *handlers
	inbox    *inbox
	requests *requests
	events   *subscribers
	near     *nearCopies
	flights  *flights
	metrics  *Metrics
	health   *health
	shutdown *shutdown

	life  context.Context // ends with the client
	end   context.CancelCauseFunc
	ended chan struct{} // the reader and the writer are gone
}

// newClient takes over a connection to drover and says hello. The setup runs
// before: handlers that it adds miss nothing.
func newClient(ctx context.Context, conn io.ReadWriteCloser, key string, setup ...func(*Client)) (*Client, error) {
	c := newUnconnected(conn)
	for _, f := range setup {
		f(c)
	}
	go c.run()
	if err := c.hello(ctx, key); err != nil {
		c.Close()
		return nil, fmt.Errorf("connect to drover: %w", err)
	}
	return c, nil
}

// newUnconnected returns a client that has not begun to read and write.
func newUnconnected(conn io.ReadWriteCloser) *Client {
	c := &Client{conn: conn, calls: newCalls(), ended: make(chan struct{})}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.out = newOutbox(c.calls)
	c.vault = newVault()
	c.handlers = newHandlers()
	c.inbox = newInbox(c)
	c.requests = newRequests(c)
	c.events = newSubscribers(c)
	c.near = newNearCopies()
	c.flights = newFlights(c.life)
	c.metrics = newMetrics(c)
	c.health = newHealth(c)
	c.shutdown = newShutdown()
	return c
}

func (c *Client) hello(ctx context.Context, key string) error {
	known := make(chan error, 1)
	id, err := c.calls.open(func(f *frame, err error) { known <- c.welcomed(f, err) })
	if err != nil {
		return err
	}
	l := newLine("hello").id(id).number("version", version).text("client", client).json("acks", []byte("true"))
	if err := c.put(l.optional("key", key).end()); err != nil {
		return err
	}
	select {
	case err := <-known:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// welcomed takes the reply to hello.
func (c *Client) welcomed(f *frame, err error) error {
	if err != nil {
		return err
	}
	var w welcome
	if err := json.Unmarshal(f.Data, &w); err != nil {
		return fmt.Errorf("read the reply to hello: %w", err)
	}
	w.schemas = compileSchemas(w.Schemas)
	c.welcome.Store(&w)
	return nil
}

// Worker says who this worker is. During the setup of Connect it is not known yet.
func (c *Client) Worker() Worker { return c.greeting().Worker }

func (c *Client) greeting() *welcome {
	if w := c.welcome.Load(); w != nil {
		return w
	}
	return &welcome{}
}

func (c *Client) encrypts() bool { return c.greeting().Encryption == "on" }

// lineSize is the longest line that drover reads.
func (w *welcome) lineSize() int {
	if w.MaxMessageBytes == 0 {
		return math.MaxInt
	}
	return 2*w.MaxMessageBytes + 64<<10
}

// Ready tells drover that this worker takes requests. With the setting
// processManagement.ready: notify it gets none before.
func (c *Client) Ready() error { return c.out.put(newLine("ready").end()) }

// Done is closed when the channel to drover is.
func (c *Client) Done() <-chan struct{} { return c.ended }

// Close writes what waits to be written, ends the channel and returns when
// nothing of the client runs any more, except handlers that do not heed their context.
func (c *Client) Close() {
	c.metrics.push()
	c.out.close()
	<-c.ended
}

// run reads and writes until either ends.
func (c *Client) run() {
	var writer sync.WaitGroup
	writer.Go(func() {
		_ = c.out.run(c.conn) // a reader of a broken channel ends, too
		_ = c.conn.Close()
	})
	in := newLines(c.conn)
	for {
		text, err := in.next()
		if err != nil {
			break
		}
		if f, ok := parseFrame(text); ok {
			c.take(&f)
		}
	}
	c.out.fail(ErrClosed)
	c.calls.fail(ErrClosed)
	writer.Wait()
	c.end(ErrClosed)
	c.events.close()
	c.shutdown.begin(0)
	close(c.ended)
}

// take handles one frame. It must not block: replies come this way, too.
func (c *Client) take(f *frame) {
	switch f.Verb {
	case "reply":
		c.calls.answer(f)
	case "message":
		c.inbox.take(f)
	case "request":
		c.requests.take(f)
	case "cancel":
		c.requests.cancel(f.ID)
	case "drop":
		c.near.drop(f)
	case "event":
		c.events.take(f)
	case "ping":
		c.health.take(f)
	case "keys":
		c.vault.set(f.Receive, f.Send)
	case "gc":
		go debug.FreeOSMemory() // a collection takes its time, and what comes next must not wait for it
	case "shutdown":
		c.shutdown.begin(f.GraceSeconds)
	}
}

// call sends the frame that compose returns for an id and waits for its reply.
func (c *Client) call(ctx context.Context, compose func(id uint64) line) (*frame, error) {
	wait, id, err := c.start(ctx, nil, func(id uint64) error { return c.put(compose(id)) })
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, id, wait)
}

// answered is what a call ended with.
type answered struct {
	f   *frame
	err error
}

// start opens a call and has its frame sent; the reply comes over the channel
// that it returns, after read, which may be nil, has had it in the order of arrival.
func (c *Client) start(ctx context.Context, read func(*frame) error, send func(id uint64) error) (<-chan answered, uint64, error) {
	if err := c.out.wait(ctx); err != nil {
		return nil, 0, err
	}
	wait := make(chan answered, 1)
	id, err := c.calls.open(func(f *frame, err error) {
		if err == nil && read != nil {
			err = read(f)
		}
		wait <- answered{f, err}
	})
	if err != nil {
		return nil, 0, err
	}
	if err := send(id); err != nil {
		c.calls.remove(id)
		return nil, 0, err
	}
	return wait, id, nil
}

// finish waits for the reply.
func (c *Client) finish(ctx context.Context, id uint64, wait <-chan answered) (*frame, error) {
	select {
	case a := <-wait:
		return a.f, a.err
	case <-ctx.Done():
		if c.calls.remove(id) == nil {
			a := <-wait // it came at the same time
			return a.f, a.err
		}
		return nil, context.Cause(ctx)
	}
}

// put queues a frame. Drover would skip a line that is too long, and answer nothing.
func (c *Client) put(l line) error {
	if limit := c.greeting().lineSize(); len(l) > limit {
		return tooLarge(len(l), limit)
	}
	return c.out.put(l)
}

func tooLarge(size, limit int) error {
	return &Error{Code: "too-large", Message: fmt.Sprintf("a line of %d bytes is longer than drover reads (%d, from ipc.maxMessageBytes)", size, limit)}
}

// splitID takes POOL-SLOT or POOL-SLOT.GENERATION apart.
func splitID(id string) (pool string, slot, generation int) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return id, 0, 0
	}
	s, g, _ := strings.Cut(id[i+1:], ".")
	slot, _ = strconv.Atoi(s)       // 0 for what is no number
	generation, _ = strconv.Atoi(g) // 0 where there is none
	return id[:i], slot, generation
}
