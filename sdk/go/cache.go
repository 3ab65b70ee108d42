package drover

import (
	"context"
	"encoding/json"
	"fmt"
)

// Cache is one namespace of the cache that all workers share. Operations that
// are under way at the same time go to drover in one frame.
type Cache struct {
	c  *Client
	ns string
}

// Cache returns the namespace "default" of the shared cache.
func (c *Client) Cache() *Cache { return &Cache{c, "default"} }

// Namespace returns another namespace.
func (k *Cache) Namespace(name string) *Cache { return &Cache{k.c, name} }

// Get reads an entry into a value and says whether it is there.
func (k *Cache) Get(ctx context.Context, key string, into any) (bool, error) {
	h, err := k.get(ctx, key)
	if err == nil && h.ok {
		err = k.decode(key, h.value, into)
	}
	return h.ok && err == nil, err
}

func (k *Cache) get(ctx context.Context, key string) (hit, error) {
	near := k.c.near.of(k.ns)
	if value, ok := near.get(key); ok {
		return hit{ok: true, value: value}, nil
	}
	f := near.begin(key)
	result, err := k.do(ctx, k.op("get").item(key))
	if err != nil {
		near.end(f, hit{})
		return hit{}, err
	}
	h, err := readHit(result)
	near.end(f, h)
	return h, err
}

func (k *Cache) decode(key string, value json.RawMessage, into any) error {
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("read %s of the cache: %w", key, err)
	}
	return nil
}

// GetMany reads several entries; those that are not there are missing in the result.
func (k *Cache) GetMany(ctx context.Context, keys ...string) (map[string]json.RawMessage, error) {
	near := k.c.near.of(k.ns)
	found := make(map[string]json.RawMessage, len(keys))
	var ask []string
	var fetches []*fetch
	for _, key := range keys {
		if value, ok := near.get(key); ok {
			found[key] = value
			continue
		}
		ask, fetches = append(ask, key), append(fetches, near.begin(key))
	}
	if len(ask) == 0 {
		return found, nil
	}
	hits, err := k.getMany(ctx, ask)
	for i, f := range fetches {
		if err != nil {
			near.end(f, hit{})
			continue
		}
		near.end(f, hits[i])
		if hits[i].ok {
			found[ask[i]] = hits[i].value
		}
	}
	return found, err
}

func (k *Cache) getMany(ctx context.Context, keys []string) ([]hit, error) {
	result, err := k.do(ctx, appendTexts(append(k.op("getMany"), ','), keys))
	if err != nil {
		return nil, err
	}
	list, err := elements(result)
	if err != nil {
		return nil, err
	}
	if len(list) != len(keys) {
		return nil, fmt.Errorf("asked for %d entries of the cache, got %d", len(keys), len(list))
	}
	hits := make([]hit, len(list))
	for i, one := range list {
		if hits[i], err = readHit(one); err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// Set stores a value as JSON.
func (k *Cache) Set(ctx context.Context, key string, value any, options ...SetOption) error {
	raw, err := encode(value)
	if err != nil {
		return err
	}
	return k.set(ctx, key, raw, optionsOf(options))
}

func (k *Cache) set(ctx context.Context, key string, value []byte, o setOptions) error {
	_, err := k.change(ctx, k.op("set").item(key).raw(value).options(o), key)
	return err
}

// Add stores a value unless the key is there, and says whether it did.
func (k *Cache) Add(ctx context.Context, key string, value any, options ...SetOption) (bool, error) {
	raw, err := encode(value)
	if err != nil {
		return false, err
	}
	result, err := k.change(ctx, k.op("add").item(key).raw(raw).options(optionsOf(options)), key)
	return readAs[bool](result, err)
}

// Delete removes an entry and says whether it was there.
func (k *Cache) Delete(ctx context.Context, key string) (bool, error) {
	result, err := k.change(ctx, k.op("delete").item(key), key)
	return readAs[bool](result, err)
}

// Increment adds to a number and returns the new one. A missing key counts as 0
// and gets the options; one that is there keeps its time and tags.
func (k *Cache) Increment(ctx context.Context, key string, by int64, options ...SetOption) (int64, error) {
	result, err := k.change(ctx, k.op("increment").item(key).whole(by).options(optionsOf(options)), key)
	return readAs[int64](result, err)
}

// InvalidateTag removes the entries that have a tag and returns how many they were.
func (k *Cache) InvalidateTag(ctx context.Context, tag string) (int, error) {
	result, err := k.change(ctx, k.op("invalidateTag").item(tag))
	return readAs[int](result, err)
}

// InvalidatePrefix removes the entries whose keys begin with prefix and returns how many they were.
func (k *Cache) InvalidatePrefix(ctx context.Context, prefix string) (int, error) {
	result, err := k.change(ctx, k.op("invalidatePrefix").item(prefix))
	return readAs[int](result, err)
}

func readAs[T any](result json.RawMessage, err error) (T, error) {
	var v T
	if err == nil {
		err = json.Unmarshal(result, &v)
	}
	return v, err
}

// op begins an operation on the namespace.
func (k *Cache) op(name string) line {
	return line(`["` + name + `"`).item(k.ns)
}

// change does what changes keys, or if none are named any of the namespace. This
// worker's copies go before and after: it reads what it wrote.
func (k *Cache) change(ctx context.Context, op line, keys ...string) (json.RawMessage, error) {
	near := k.c.near.of(k.ns)
	forget := func() {
		if near.drop(keys...); len(keys) == 0 {
			near.dropAll()
		}
	}
	forget()
	defer forget()
	return k.do(ctx, op)
}

// do has an operation done and returns its result.
func (k *Cache) do(ctx context.Context, op line) (json.RawMessage, error) {
	return k.run(ctx, &cacheOp{text: op})
}

func (k *Cache) run(ctx context.Context, op *cacheOp) (json.RawMessage, error) {
	op.text = append(op.text, ']')
	// The frame around it is far shorter than what is kept free here.
	if limit := k.c.greeting().lineSize() - 256; len(op.text) > limit {
		return nil, tooLarge(len(op.text), limit)
	}
	if err := k.c.out.wait(ctx); err != nil {
		return nil, err
	}
	type outcome struct {
		result json.RawMessage
		err    error
	}
	wait := make(chan outcome, 1)
	op.done = func(result json.RawMessage, err error) { wait <- outcome{result, err} }
	if err := k.c.out.putOp(op); err != nil {
		return nil, err
	}
	select {
	case o := <-wait:
		return o.result, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
