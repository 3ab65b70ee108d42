package drover

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// fromDrover is the sender of drover's own messages, and the pool whose key
// answers to them are encrypted with.
const fromDrover = "drover"

// key is one key of ipc.encryption, as drover gives it.
type key struct {
	ID     string `json:"kid"`
	Secret string `json:"k"` // base64url
}

type receiveKeys struct {
	Pool string `json:"pool"`
	Keys []key  `json:"keys"`
}

// sealer encrypts for one pool.
type sealer struct {
	kid  string
	aead cipher.AEAD
}

// header is the protected header of a token. Members that it does not name
// (crit, zip, epk …) change what a token means; one that has them is refused.
type header struct {
	Alg  string `json:"alg"`
	Enc  string `json:"enc"`
	Kid  string `json:"kid"`
	From string `json:"from"`
	Type string `json:"type"`
	N    uint64 `json:"n"`
}

// vault has the keys and makes and reads JWE tokens (RFC 7516, dir with A256GCM).
type vault struct {
	// order is held from sealing to queueing the frame: a receiver refuses a
	// token whose n is not above that of the one before.
	order sync.Mutex
	n     uint64

	mu      sync.RWMutex
	send    map[string]sealer      // by pool
	receive map[string]cipher.AEAD // by key id
	seen    map[string]uint64      // the n of the last token of each sender
}

func newVault() *vault { return &vault{seen: make(map[string]uint64)} }

// set replaces the keys. One that is not of 256 bits is left out.
func (v *vault) set(receive *receiveKeys, send map[string]key) {
	opener, sealers := make(map[string]cipher.AEAD), make(map[string]sealer)
	if receive != nil {
		for _, k := range receive.Keys {
			if aead, err := k.aead(); err == nil {
				opener[k.ID] = aead
			}
		}
	}
	for pool, k := range send {
		if aead, err := k.aead(); err == nil {
			sealers[pool] = sealer{k.ID, aead}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.receive, v.send = opener, sealers
}

func (k key) aead() (cipher.AEAD, error) {
	secret, err := base64.RawURLEncoding.DecodeString(k.Secret)
	if err != nil {
		return nil, err
	}
	if len(secret) != 32 {
		return nil, fmt.Errorf("a key of %d bytes", len(secret))
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// pools are those that this worker can encrypt for.
func (v *vault) pools() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	list := slices.Sorted(maps.Keys(v.send))
	return slices.DeleteFunc(list, func(pool string) bool { return pool == fromDrover })
}

// sealLocked makes the token of data for a pool; the caller holds order.
func (v *vault) sealLocked(pool, from, kind string, data []byte) (string, error) {
	v.mu.RLock()
	s, ok := v.send[pool]
	v.mu.RUnlock()
	if !ok {
		return "", &Error{Code: "forbidden", Message: fmt.Sprintf("drover gave no key for pool %q: this worker may not send there", pool)}
	}
	iv := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(iv) // never fails
	v.n++
	return s.seal(iv, header{"dir", "A256GCM", s.kid, from, kind, v.n}, data)
}

func (s sealer) seal(iv []byte, h header, data []byte) (string, error) {
	protected, err := encode(h)
	if err != nil {
		return "", err
	}
	token := base64.RawURLEncoding.AppendEncode(nil, protected)
	sealed := s.aead.Seal(nil, iv, data, token)
	cut := len(sealed) - s.aead.Overhead()
	token = append(token, '.', '.') // no encrypted key
	token = append(base64.RawURLEncoding.AppendEncode(token, iv), '.')
	token = append(base64.RawURLEncoding.AppendEncode(token, sealed[:cut]), '.')
	return string(base64.RawURLEncoding.AppendEncode(token, sealed[cut:])), nil
}

// open reads a token that came in a message of that sender and kind. It takes
// each token once, and those of one sender in the order in which they were made.
func (v *vault) open(token, from, kind string) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 5 || parts[1] != "" {
		return nil, errors.New("this is no JWE of alg dir in compact form")
	}
	var raw [5][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
		raw[i] = b
	}
	var h header
	in := json.NewDecoder(strings.NewReader(string(raw[0])))
	in.DisallowUnknownFields()
	if err := in.Decode(&h); err != nil || in.More() {
		return nil, errors.New("the header is not that of a message")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	aead := v.receive[h.Kid]
	switch {
	case h.Alg != "dir" || h.Enc != "A256GCM":
		return nil, fmt.Errorf("alg %q and enc %q are not dir and A256GCM", h.Alg, h.Enc)
	case aead == nil:
		return nil, fmt.Errorf("there is no key %q", h.Kid)
	case len(raw[2]) != aead.NonceSize() || len(raw[4]) != aead.Overhead():
		return nil, errors.New("iv or tag have a wrong length")
	}
	data, err := aead.Open(nil, raw[2], append(raw[3], raw[4]...), []byte(parts[0]))
	switch {
	case err != nil:
		return nil, err
	case h.From != from || h.Type != kind:
		return nil, fmt.Errorf("it was made by %q as %q", h.From, h.Type)
	case h.N <= v.seen[from]:
		return nil, fmt.Errorf("number %d came before", h.N)
	case !json.Valid(data):
		return nil, errors.New("the plaintext is not JSON")
	}
	v.seen[from] = h.N
	return data, nil
}
