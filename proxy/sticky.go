package proxy

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// sticky keeps clients of a pool with their upstream. The cookie's value is a
// ticket: signature, time of expiry and label of the upstream, in base64. The
// signature is over pool and name of the cookie, too, so that a ticket is good
// in one place only.
type sticky struct {
	cookie     string
	ttl        time.Duration
	signers    sync.Pool // of hash.Hash
	attributes []byte    // of the cookie, with those that are the same for all
}

const (
	signatureSize = 16 // of HMAC-SHA256's 32 bytes: 128 bits
	ticketHead    = signatureSize + 8
	maxTicket     = 512 // encoded
)

var ticketCode = base64.RawURLEncoding.Strict()

// newSticky returns nil when the pool is not sticky.
func newSticky(name string, cfg config.Sticky, key func() ([]byte, error)) (*sticky, error) {
	if cfg.Cookie == "" {
		return nil, nil
	}
	secret, err := key()
	if err != nil {
		return nil, fmt.Errorf("pools.%s.sticky: %w", name, err)
	}
	derive := hmac.New(sha256.New, secret)
	_, _ = derive.Write([]byte("drover sticky 1\x00" + name + "\x00" + cfg.Cookie)) // never fails
	own := derive.Sum(nil)
	s := &sticky{cookie: cfg.Cookie, ttl: cfg.TTL.Std()}
	s.signers.New = func() any { return hmac.New(sha256.New, own) }
	s.attributes = fmt.Appendf(nil, "; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax", int64(s.ttl/time.Second))
	return s, nil
}

// randomKey is the key of a server that was given none: it lasts as long as the server.
func randomKey() func() ([]byte, error) {
	return sync.OnceValues(func() ([]byte, error) {
		key := make([]byte, sha256.Size)
		_, err := rand.Read(key)
		return key, err
	})
}

// appendSignature appends the signature of a ticket's rest.
func (s *sticky) appendSignature(dst, rest []byte) []byte {
	h, _ := s.signers.Get().(hash.Hash) // the pool holds nothing else
	defer s.signers.Put(h)
	h.Reset()
	_, _ = h.Write(rest) // never fails
	return h.Sum(dst)[:len(dst)+signatureSize]
}

// appendTicket appends the cookie's value for an upstream.
func (s *sticky) appendTicket(dst []byte, label string, now time.Time) []byte {
	rest := binary.BigEndian.AppendUint64(nil, uint64(now.Add(s.ttl).Unix()))
	rest = append(rest, label...)
	return ticketCode.AppendEncode(dst, append(s.appendSignature(nil, rest), rest...))
}

// read returns what a valid ticket says.
func (s *sticky) read(value []byte, now time.Time) (label []byte, left time.Duration, ok bool) {
	if len(value) > maxTicket {
		return nil, 0, false
	}
	raw, err := ticketCode.AppendDecode(nil, value)
	if err != nil || len(raw) <= ticketHead {
		return nil, 0, false
	}
	rest := raw[signatureSize:]
	if !hmac.Equal(raw[:signatureSize], s.appendSignature(nil, rest)) {
		return nil, 0, false
	}
	left = time.Unix(int64(binary.BigEndian.Uint64(rest)), 0).Sub(now)
	return raw[ticketHead:], left, left > 0
}

// stay is what a request's ticket says.
type stay struct {
	label []byte // of the upstream; nil: it has no valid ticket
	left  time.Duration
}

// stickTo looks for a valid ticket.
func (k *call) stickTo(s *sticky) {
	for i := range k.m.fields {
		f := &k.m.fields[i]
		if !equalFold(f.key, "cookie") {
			continue
		}
		for list := f.value; len(list) > 0; {
			var pair []byte
			pair, list, _ = bytes.Cut(list, semicolon)
			if value, ok := s.owns(pair); ok {
				if label, left, ok := s.read(value, k.m.start); ok {
					k.stay = stay{label, left}
					return
				}
			}
		}
	}
}

// owns reports whether a pair of a Cookie field is drover's own, with its value.
func (s *sticky) owns(pair []byte) (value []byte, ok bool) {
	key, value, ok := bytes.Cut(pair, []byte("="))
	return trim(value), ok && string(trim(key)) == s.cookie
}

var semicolon = []byte(";")

// appendOthers appends a Cookie field without drover's own cookie, all others
// as they came; no field when it was the only one.
func (s *sticky) appendOthers(dst []byte, f *field) []byte {
	begin, found := len(dst), false
	dst = append(append(dst, f.key...), ": "...)
	values := len(dst)
	for list, more := f.value, true; more; {
		var pair []byte
		pair, list, more = bytes.Cut(list, semicolon)
		if _, own := s.owns(pair); own {
			found = true
			continue
		}
		if len(dst) > values {
			dst = append(dst, ';')
		} else if found {
			pair = trim(pair)
		}
		dst = append(dst, pair...)
	}
	if found && len(dst) == values {
		return dst[:begin]
	}
	return append(dst, "\r\n"...)
}

// preferred returns the upstream that the request is to stay with, if it would
// take the request now.
func (k *call) preferred(snap *pool.Snapshot) *pool.Upstream {
	if k.stay.label == nil {
		return nil
	}
	up := snap.Labeled(k.stay.label)
	if up == nil || up.Admission() != pool.Admitted || slices.Contains(k.pick.Tried, up) {
		return nil
	}
	return up
}

// appendCookie appends the line that makes the client stay with the upstream
// that has answered, unless it has one that is still good: one whose upstream
// may be back stays good.
func (k *call) appendCookie(dst []byte, s *sticky) []byte {
	label := k.lease.Upstream.Label
	result, set := "new", true
	switch {
	case k.stay.label == nil:
	case string(k.stay.label) == label:
		result, set = "kept", k.stay.left < s.ttl/2
	default:
		result, set = "moved", !k.target.pool.MayReturn(string(k.stay.label))
	}
	k.server.metrics.Sticky(k.target.name, result)
	if !set {
		return dst
	}
	dst = append(append(append(dst, "Set-Cookie: "...), s.cookie...), '=')
	dst = append(s.appendTicket(dst, label, time.Now()), s.attributes...)
	if k.https() {
		dst = append(dst, "; Secure"...)
	}
	return append(dst, "\r\n"...)
}

// https reports whether the client came by https, as far as is known.
func (k *call) https() bool {
	if k.m.secure || !k.going.trusted {
		return k.m.secure
	}
	scheme, _, _ := bytes.Cut(k.m.first(nameForwardedProto), []byte(","))
	return equalFold(trim(scheme), "https")
}
