package ipc

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keyring has the keys that workers and drover encrypt messages with: for each
// receiving pool the present one, the one before, and the next. Receivers know
// the next key one period before anybody uses it, so it does not matter in which
// order workers learn of a change.
//
// A receiver takes each sender's tokens in the order in which they were made
// only. So whoever calls Encrypt hands the token over before the next call.
// All methods may be called concurrently.
type Keyring struct {
	mu    sync.Mutex
	pools map[string]*poolKeys
	count uint64            // of the newest token made here
	seen  map[string]uint64 // the count of the newest token of each sender
}

type poolKeys struct {
	serial                  uint64
	previous, current, next *poolKey // previous is nil before the first rotation
}

type poolKey struct {
	ID     string `json:"kid"`
	Secret string `json:"k"` // base64url
	secret []byte
}

// NewKeyring returns a keyring that makes a pool's keys when they are needed.
func NewKeyring() *Keyring {
	return &Keyring{pools: make(map[string]*poolKeys), seen: make(map[string]uint64)}
}

// Rotate replaces the keys of every pool. Tokens made with a key are read until
// it has been replaced twice.
func (k *Keyring) Rotate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for pool, keys := range k.pools {
		keys.previous, keys.current, keys.next = keys.current, keys.next, keys.newKey(pool)
	}
}

// Run rotates the keys every period until ctx ends; rotated, called after each
// time, sends the new ones to the workers.
func (k *Keyring) Run(ctx context.Context, period time.Duration, rotated func()) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.Rotate()
			rotated()
		case <-ctx.Done():
			return nil
		}
	}
}

// Frame returns the frame, without the line end, that tells a worker of pool
// its keys: those of its own pool to read with, and those to encrypt with for
// each of pools that it may send to or that may send to it and wait for an answer.
func (k *Keyring) Frame(pool string, acl *ACL, pools []string) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	// Answers to drover's own requests are encrypted with a key that no worker reads with.
	send := map[string]*poolKey{droverName: k.poolLocked(droverName).current}
	for _, other := range pools {
		if acl.Reaches(pool, other) || acl.Reaches(other, pool) {
			send[other] = k.poolLocked(other).current
		}
	}
	type receive struct {
		Pool string     `json:"pool"`
		Keys []*poolKey `json:"keys"`
	}
	frame, err := json.Marshal(struct {
		Verb    string              `json:"drover"`
		Receive receive             `json:"receive"`
		Send    map[string]*poolKey `json:"send"`
	}{"keys", receive{pool, k.poolLocked(pool).newestFirst()}, send})
	if err != nil {
		panic(err) // cannot happen: nothing but strings
	}
	return frame
}

// Encrypt makes the token of data, JSON, that from sends to a worker of toPool;
// kind is its type or topic.
func (k *Keyring) Encrypt(toPool, from, kind string, data []byte) (string, error) {
	k.mu.Lock()
	key := k.poolLocked(toPool).current
	k.count++
	count := k.count
	k.mu.Unlock()
	encrypter, err := jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.DIRECT, Key: key.secret, KeyID: key.ID},
		&jose.EncrypterOptions{ExtraHeaders: map[jose.HeaderKey]any{"from": from, "type": kind, "n": count}})
	if err != nil {
		return "", fmt.Errorf("encrypt a message for pool %s: %w", toPool, err)
	}
	token, err := encrypter.Encrypt(data)
	if err != nil {
		return "", fmt.Errorf("encrypt a message for pool %s: %w", toPool, err)
	}
	return token.CompactSerialize()
}

// Decrypt reads the token that came for a worker of pool, or drover, in a
// message of that sender and kind. It refuses what was not made for exactly
// this message, and each token but the first time.
func (k *Keyring) Decrypt(pool, from, kind, token string) ([]byte, error) {
	data, err := k.decrypt(pool, from, kind, token)
	if err != nil {
		return nil, fmt.Errorf("decrypt a message from %s: %w", from, err)
	}
	return data, nil
}

func (k *Keyring) decrypt(pool, from, kind, token string) ([]byte, error) {
	// dir has no encrypted key, and go-jose does not look whether there is one.
	if _, rest, _ := strings.Cut(token, "."); !strings.HasPrefix(rest, ".") {
		return nil, errors.New("this is no token of alg dir")
	}
	jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, err
	}
	count, err := checkHeader(jwe.Header, from, kind)
	if err != nil {
		return nil, err
	}
	key := k.find(pool, jwe.Header.KeyID)
	if key == nil {
		return nil, fmt.Errorf("pool %s has no key %.150q (any more)", pool, jwe.Header.KeyID)
	}
	data, err := jwe.Decrypt(key.secret)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if last := k.seen[from]; count <= last {
		return nil, fmt.Errorf("this is a copy, or late: its n is %d, and %d was there already", count, last)
	}
	k.seen[from] = count
	return data, nil
}

// checkHeader compares the protected header with the message around the token
// and returns its n. Its alg, enc and kid are looked at elsewhere. Anything
// beyond, such as zip, is refused.
func checkHeader(h jose.Header, from, kind string) (count uint64, err error) {
	for name := range h.ExtraHeaders {
		switch name {
		case "enc", "from", "type", "n":
		default:
			return 0, fmt.Errorf("the header has an unknown member %.150q", string(name))
		}
	}
	if got := h.ExtraHeaders["from"]; got != from {
		return 0, fmt.Errorf("it was made by %.150q", fmt.Sprint(got))
	}
	if got := h.ExtraHeaders["type"]; got != kind {
		return 0, fmt.Errorf("it was made for the type %.150q", fmt.Sprint(got))
	}
	n, ok := h.ExtraHeaders["n"].(float64)
	if !ok || n < 1 || n > maxID || n != float64(uint64(n)) {
		return 0, errors.New("its n is not a whole number from 1 to 2^53 - 1")
	}
	return uint64(n), nil
}

// Forget drops what is remembered of a sender that is gone for good.
func (k *Keyring) Forget(from string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.seen, from)
}

func (k *Keyring) find(pool, id string) *poolKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.poolLocked(pool).newestFirst() {
		if key.ID == id {
			return key
		}
	}
	return nil
}

func (k *Keyring) poolLocked(pool string) *poolKeys {
	keys := k.pools[pool]
	if keys == nil {
		keys = &poolKeys{}
		keys.current, keys.next = keys.newKey(pool), keys.newKey(pool)
		k.pools[pool] = keys
	}
	return keys
}

func (p *poolKeys) newKey(pool string) *poolKey {
	p.serial++
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &poolKey{
		ID:     pool + "." + strconv.FormatUint(p.serial, 10),
		Secret: base64.RawURLEncoding.EncodeToString(secret),
		secret: secret,
	}
}

func (p *poolKeys) newestFirst() []*poolKey {
	if p.previous == nil {
		return []*poolKey{p.next, p.current}
	}
	return []*poolKey{p.next, p.current, p.previous}
}
