package proxy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// router finds the route of a request: the first in the order of the settings
// that matches. It never changes after it was built.
type router struct{ routes []*route }

// route is one entry of the settings' routes, made ready to be compared.
type route struct {
	host    string // in lower case; with leading dot: any name below it
	path    string
	methods []string
	headers []headerMatch
	target  *target
}

type headerMatch struct{ key, value string } // key in lower case

// newRoute compiles a match. where names the setting in errors.
func newRoute(where string, cfg config.Match) (*route, error) {
	r := &route{path: cfg.Path, methods: slices.Clone(cfg.Methods)}
	host := strings.ToLower(cfg.Host)
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		host = "." + rest
	}
	if strings.ContainsAny(host, "*/ ") {
		return nil, fmt.Errorf("%s.host: %q is neither a name nor *. and a name", where, cfg.Host)
	}
	if cfg.Path != "" && cfg.Path[0] != '/' {
		return nil, fmt.Errorf("%s.path: %q does not begin with a slash; write /%s", where, cfg.Path, cfg.Path)
	}
	r.host = host
	for _, key := range sortedKeys(cfg.Headers) {
		if !isToken(key) {
			return nil, fmt.Errorf("%s.headers: %q is not a header name", where, key)
		}
		r.headers = append(r.headers, headerMatch{strings.ToLower(key), cfg.Headers[key]})
	}
	return r, nil
}

// find returns the first route that takes a request for path (in normal form), or nil.
func (r *router) find(m *message, path []byte) *route {
	for _, route := range r.routes {
		if route.takes(m, path) {
			return route
		}
	}
	return nil
}

func (r *route) takes(m *message, path []byte) bool {
	if r.path != "" && !hasPathPrefix(path, r.path) {
		return false
	}
	if r.host != "" && !r.takesHost(m.authority) {
		return false
	}
	if len(r.methods) > 0 && !slices.ContainsFunc(r.methods, func(s string) bool { return s == string(m.method) }) {
		return false
	}
	for i := range r.headers {
		if !m.carries(&r.headers[i]) {
			return false
		}
	}
	return true
}

func (r *route) takesHost(authority []byte) bool {
	host := bytes.TrimSuffix(withoutPort(authority), []byte("."))
	if r.host[0] != '.' {
		return equalFold(host, r.host)
	}
	return len(host) > len(r.host) && equalFold(host[len(host)-len(r.host):], r.host)
}

// carries reports whether a field of that name has exactly that value.
func (m *message) carries(want *headerMatch) bool {
	for i := range m.fields {
		if f := &m.fields[i]; string(f.value) == want.value && equalFold(f.key, want.key) {
			return true
		}
	}
	return false
}

// withoutPort cuts the port off an authority; the address in [::1]:80 keeps its brackets.
func withoutPort(authority []byte) []byte {
	colon := bytes.LastIndexByte(authority, ':')
	if colon < 0 || bytes.IndexByte(authority[colon:], ']') >= 0 {
		return authority
	}
	return authority[:colon]
}
