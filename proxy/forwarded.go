package proxy

import (
	"fmt"
	"net/netip"
)

// trust is the set of networks whose word on where a request comes from is believed.
type trust []netip.Prefix

// newTrust reads server.trustedProxies.
func newTrust(networks []string) (trust, error) {
	var t trust
	for _, n := range networks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			a, errAddr := netip.ParseAddr(n)
			if errAddr != nil {
				return nil, fmt.Errorf("server.trustedProxies: %q is not a network; write it as 10.0.0.0/8", n)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		t = append(t, p.Masked())
	}
	return t, nil
}

func (t trust) includes(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range t {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// client returns the address of the client as text: the peer's, or, where the
// peer is trusted, the last one in X-Forwarded-For that is not a trusted proxy
// itself. What stands before it can be anybody's invention.
func (t trust) client(m *message) []byte {
	if len(t) == 0 || !m.has(nameForwardedFor) || !t.includes(m.peer) {
		return m.peerText
	}
	client := m.peerText
	for i := len(m.fields) - 1; i >= 0; i-- {
		if m.fields[i].name != nameForwardedFor {
			continue
		}
		list := m.fields[i].value
		for list != nil {
			var item []byte
			item, list = lastItem(list)
			a, err := netip.ParseAddr(string(item))
			if err != nil {
				return client
			}
			client = item
			if !t.includes(a) {
				return client
			}
		}
	}
	return client
}

// lastItem cuts the last item off a comma-separated list.
func lastItem(list []byte) (item, rest []byte) {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == ',' {
			return trim(list[i+1:]), list[:i]
		}
	}
	return trim(list), nil
}

// appendForwarding appends the fields that tell the upstream who asked, for
// what and how. Those of an untrusted peer were dropped before; a trusted one's
// are continued.
func appendForwarding(dst []byte, m *message, trusted bool, e *edit) []byte {
	if !e.drops(forwardedFor) && len(m.peerText) > 0 {
		dst = append(dst, "X-Forwarded-For: "...)
		if trusted && m.has(nameForwardedFor) {
			for i := range m.fields {
				if m.fields[i].name == nameForwardedFor && len(m.fields[i].value) > 0 {
					dst = append(append(dst, m.fields[i].value...), ", "...)
				}
			}
		}
		dst = append(append(dst, m.peerText...), "\r\n"...)
	}
	if !e.drops(forwardedProto) {
		dst = append(dst, "X-Forwarded-Proto: "...)
		switch v := m.first(nameForwardedProto); {
		case trusted && len(v) > 0:
			dst = append(dst, v...)
		case m.secure:
			dst = append(dst, "https"...)
		default:
			dst = append(dst, "http"...)
		}
		dst = append(dst, "\r\n"...)
	}
	if !e.drops(forwardedHost) {
		dst = append(dst, "X-Forwarded-Host: "...)
		if v := m.first(nameForwardedHost); trusted && len(v) > 0 {
			dst = append(dst, v...)
		} else {
			dst = append(dst, m.authority...)
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}

var (
	forwardedFor   = []byte("X-Forwarded-For")
	forwardedProto = []byte("X-Forwarded-Proto")
	forwardedHost  = []byte("X-Forwarded-Host")
	requestID      = []byte("X-Request-Id")
)
