package drover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// GetOrSet reads an entry, or computes and stores it. Of all workers only one
// computes at a time; the others wait for what it stores. Where that fails its
// error is returned here and the next one that waits computes. The context of
// compute ends when nobody here waits any more.
func GetOrSet[T any](ctx context.Context, k *Cache, key string, compute func(context.Context) (T, error), options ...SetOption) (T, error) {
	var v T
	raw, err := k.getOrSet(ctx, key, func(ctx context.Context) (any, error) { return compute(ctx) }, optionsOf(options))
	if err == nil {
		err = k.decode(key, raw, &v)
	}
	return v, err
}

// Get reads an entry as a value of the type T and says whether it is there.
func Get[T any](ctx context.Context, k *Cache, key string) (T, bool, error) {
	var v T
	ok, err := k.Get(ctx, key, &v)
	return v, ok, err
}

func (k *Cache) getOrSet(ctx context.Context, key string, compute func(context.Context) (any, error), o setOptions) (json.RawMessage, error) {
	if value, ok := k.c.near.of(k.ns).get(key); ok {
		return value, nil
	}
	return k.c.flights.do(ctx, k.ns+" "+key, func(ctx context.Context) (json.RawMessage, error) {
		return k.lease(ctx, key, compute, o)
	})
}

// lease asks for the entry or for the task of computing it.
func (k *Cache) lease(ctx context.Context, key string, compute func(context.Context) (any, error), o setOptions) (json.RawMessage, error) {
	near := k.c.near.of(k.ns)
	f := near.begin(key)
	h, lease, err := k.askLease(ctx, key, o)
	near.end(f, h)
	if err != nil || h.ok {
		return h.value, err
	}
	raw, err := k.compute(ctx, compute)
	if err != nil {
		k.release(key, lease)
		return nil, err
	}
	o.lease = lease
	// Whoever has waited here may be gone, those in other workers wait still.
	if err := k.set(context.WithoutCancel(ctx), key, raw, o); err != nil && !errors.Is(err, ErrLeaseLost) {
		return nil, err
	}
	return raw, nil // too late to be stored, but right
}

func (k *Cache) compute(ctx context.Context, compute func(context.Context) (any, error)) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	v, err := compute(ctx)
	if err != nil {
		return nil, err
	}
	return encode(v)
}

// askLease waits until the entry is there, or this worker is the one to compute
// it. It is not cut short: a lease that comes too late would be kept from others.
func (k *Cache) askLease(ctx context.Context, key string, o setOptions) (hit, string, error) {
	ms := max(milliseconds(o.leaseTime), 1)
	for {
		text := append(k.op("lease").item(key), fmt.Sprintf(`,{"leaseMs":%d,"waitMs":%d}`, ms, ms)...)
		result, err := k.run(context.WithoutCancel(ctx), &cacheOp{text: text, waits: true})
		if errors.Is(err, ErrTimeout) && ctx.Err() == nil {
			continue // the next lease was given to another one that waits
		}
		if err != nil {
			return hit{}, "", err
		}
		if len(result) > 0 && result[0] == '{' {
			l, err := readAs[struct{ Lease string }](result, nil)
			return hit{}, l.Lease, err
		}
		h, err := readHit(result)
		return h, "", err
	}
}

// release gives a lease back. It is not waited for: it happens on the way to an error.
func (k *Cache) release(key, lease string) {
	op := k.op("release").item(key).item(lease)
	_ = k.c.out.putOp(&cacheOp{text: append(op, ']'), done: func(json.RawMessage, error) {}}) // closed: the lease has ended with the channel
}

// flights are the computations under way in this process: those who ask for the
// same key meanwhile wait for the same result.
type flights struct {
	life context.Context
	mu   sync.Mutex
	open map[string]*flight
}

type flight struct {
	done    chan struct{}
	value   json.RawMessage
	err     error
	waiting int
	cancel  context.CancelFunc
}

func newFlights(life context.Context) *flights {
	return &flights{life: life, open: make(map[string]*flight)}
}

// do runs fn unless it runs for the key already, and returns its result. fn's
// context has the values of the first who asked, and ends when nobody waits any more.
func (fs *flights) do(ctx context.Context, key string, fn func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	f := fs.join(ctx, key, fn)
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		fs.leave(key, f)
		return nil, context.Cause(ctx)
	}
}

func (fs *flights) join(ctx context.Context, key string, fn func(context.Context) (json.RawMessage, error)) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.open[key]; f != nil {
		f.waiting++
		return f
	}
	f := &flight{done: make(chan struct{}), waiting: 1}
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(fs.life, f.cancel)
	fs.open[key] = f
	go func() {
		defer f.cancel()
		defer stop()
		f.value, f.err = fn(ctx)
		fs.mu.Lock()
		if fs.open[key] == f {
			delete(fs.open, key)
		}
		fs.mu.Unlock()
		close(f.done)
	}()
	return f
}

// leave is called by one who no longer waits. A flight without anybody is
// ended, and the next one starts anew.
func (fs *flights) leave(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if fs.open[key] == f {
		delete(fs.open, key)
	}
}
