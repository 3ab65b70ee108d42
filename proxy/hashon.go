package proxy

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// hashOn says what of a request consistent hashing looks at.
type hashOn struct {
	kind hashKind
	name string // of the header (in lower case) or cookie
}

type hashKind uint8

const (
	hashNothing hashKind = iota
	hashClientIP
	hashPath
	hashHeader
	hashCookie
)

// newHashOn reads clientIP, path, header:NAME or cookie:NAME.
func newHashOn(s string) (hashOn, error) {
	kind, name, named := strings.Cut(s, ":")
	switch {
	case s == "clientIP":
		return hashOn{kind: hashClientIP}, nil
	case s == "path":
		return hashOn{kind: hashPath}, nil
	case kind == "header" && named && isToken(name):
		return hashOn{hashHeader, strings.ToLower(name)}, nil
	case kind == "cookie" && named && isToken(name):
		return hashOn{hashCookie, name}, nil
	}
	return hashOn{}, fmt.Errorf("%q is not one of clientIP, path, header:NAME, cookie:NAME", s)
}

// of returns the hash of what the settings name. A request that does not have
// it is hashed by its client, so that such requests do not all meet in one place.
func (h hashOn) of(m *message, client []byte) uint64 {
	var v []byte
	switch h.kind {
	case hashNothing:
		return 0
	case hashPath:
		v = m.path
	case hashHeader:
		v = m.value(h.name)
	case hashCookie:
		v = cookie(m, h.name)
	}
	if len(v) == 0 {
		v = client
	}
	return xxhash.Sum64(v)
}

// cookie returns the value of the first cookie of that name, or nil.
func cookie(m *message, name string) []byte {
	for i := range m.fields {
		if !equalFold(m.fields[i].key, "cookie") {
			continue
		}
		for list := m.fields[i].value; len(list) > 0; {
			var pair []byte
			pair, list, _ = bytes.Cut(list, []byte(";"))
			key, value, ok := bytes.Cut(trim(pair), []byte("="))
			if ok && string(key) == name {
				return value
			}
		}
	}
	return nil
}
