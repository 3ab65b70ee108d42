package drover

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// shutdown is the end of this worker: announced over the channel, by a signal, or
// by the end of the channel, which only the end of drover brings about.
type shutdown struct {
	signals sync.Once
	once    sync.Once
	begun   chan struct{}

	mu       sync.Mutex
	deadline time.Time // zero: not known
	running  sync.WaitGroup
}

func newShutdown() *shutdown { return &shutdown{begun: make(chan struct{})} }

// begin is called when the worker is to end; graceSeconds later it will be killed. 0: not known.
func (s *shutdown) begin(graceSeconds int64) {
	s.once.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if graceSeconds > 0 {
			s.deadline = time.Now().Add(time.Duration(graceSeconds) * time.Second)
		}
		close(s.begun)
	})
}

// listen takes over SIGTERM and SIGINT, which would end a program of Go at once.
// The second one does.
func (s *shutdown) listen() {
	s.signals.Do(func() {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM, os.Interrupt)
		go func() {
			<-c
			signal.Stop(c)
			s.begin(0)
		}()
	})
}

// Shutdown is closed when this worker is to end: drover says so, SIGTERM or
// SIGINT came, or the channel to drover closed. From the first call of this
// method, OnShutdown, NotifyContext or Wait on, the first such signal no longer
// ends the program at once.
func (c *Client) Shutdown() <-chan struct{} {
	c.shutdown.listen()
	return c.shutdown.begun
}

// OnShutdown has fn called when this worker is to end; its context ends when
// drover would kill it. Several run at the same time.
func (c *Client) OnShutdown(fn func(ctx context.Context)) {
	c.shutdown.listen()
	c.shutdown.running.Go(func() {
		<-c.shutdown.begun
		ctx, cancel := c.shutdown.context()
		defer cancel()
		fn(ctx)
	})
}

func (s *shutdown) context() (context.Context, context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline.IsZero() {
		return context.WithCancel(context.Background())
	}
	return context.WithDeadline(context.Background(), s.deadline)
}

// NotifyContext returns a context that ends when this worker is to end.
func (c *Client) NotifyContext(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-c.Shutdown():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// Wait returns when this worker is to end and every function of OnShutdown has
// returned, and the client is closed: the last line of a main function.
func (c *Client) Wait() {
	<-c.Shutdown()
	c.shutdown.running.Wait()
	c.Close()
}
