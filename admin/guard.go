package admin

import (
	"context"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	// maxBody is more than any change needs that carries no message.
	maxBody = 64 << 10

	tokenHelp = "set admin.tokens in the settings (name, role, and token, tokenFile or tokenSHA256) " +
		"and send Authorization: Bearer TOKEN; or use the admin socket, or an admin.address on loopback"
)

// origin says how a connection came in.
type origin struct {
	socket   bool   // over the Unix socket
	refused  string // why the socket's other end may not use it; empty: it may
	loopback bool   // over an address that only this machine reaches
	reached  net.IP // the address it came to, where admin.address stands for every one of the machine
}

// at reports whether a Host header is the very address the connection came to.
// A page's name that resolves to it is not.
func (o origin) at(host string) bool {
	ip := net.ParseIP(hostOnly(host))
	return ip != nil && ip.Equal(o.reached)
}

type originKey struct{}

func originOf(r *http.Request) origin {
	o, _ := r.Context().Value(originKey{}).(origin)
	return o
}

// connected is the http.Server's ConnContext: it notes how the connection came in.
func (s *Server) connected(ctx context.Context, c net.Conn) context.Context {
	var o origin
	switch c := c.(type) {
	case *net.UnixConn:
		o.socket = true
		if err := s.peer(c); err != nil {
			o.refused = err.Error()
		}
	default:
		o.loopback = s.loopback
		if at, ok := c.LocalAddr().(*net.TCPAddr); ok && s.wildcard {
			o.reached = at.IP
		}
	}
	return context.WithValue(ctx, originKey{}, o)
}

// guard refuses what may not be answered, for whatever reason, before a handler
// sees it. need is what the route needs.
func (s *Server) guard(r *http.Request, need access) *Error {
	p, o := s.policy.Load(), originOf(r)
	if o.refused != "" {
		return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: o.refused}
	}
	if !o.socket && need > scrape && !p.knows(r.Host) && !o.at(r.Host) {
		return &Error{Status: http.StatusMisdirectedRequest, Code: "unknown-host",
			Message: "Host " + quoted(r.Host) + " is not this admin API; name it in admin.allowedHosts"}
	}
	if from := r.Header.Get("Origin"); from != "" && !sameOrigin(from, r.Host) {
		return &Error{Status: http.StatusForbidden, Code: "foreign-origin",
			Message: "requests from pages of " + quoted(from) + " are refused"}
	}
	if e := p.admit(r, o, need); e != nil {
		return e
	}
	if need == operator && r.Method == http.MethodPost {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
			return &Error{Status: http.StatusUnsupportedMediaType, Code: "content-type",
				Message: "a change needs Content-Type: application/json"}
		}
	}
	return nil
}

// policy is who may do what. It never changes after it was published.
type policy struct {
	keys     keys
	hosts    []string // that Host may name, lower case, without port
	profiler bool     // drover may be profiled
}

// admit decides by token, or by where the request came from where there are no tokens.
func (p *policy) admit(r *http.Request, o origin, need access) *Error {
	if need == public {
		return nil
	}
	if len(p.keys) == 0 {
		if need == scrape || o.socket || o.loopback {
			return nil
		}
		return unauthorized("without tokens this address only serves /metrics, /healthz and /readyz; " + tokenHelp)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return unauthorized("a token is needed: send Authorization: Bearer TOKEN")
	}
	role, ok := p.keys.role(strings.TrimSpace(token))
	if !ok {
		return unauthorized("the token is not one of admin.tokens")
	}
	if role < need {
		return &Error{Status: http.StatusForbidden, Code: "forbidden",
			Message: "this needs a token with role " + need.String()}
	}
	return nil
}

func unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "unauthorized", Message: message}
}

// knows reports whether a Host header names this API, so that a page which makes
// its own name resolve to a loopback address gets nowhere.
func (p *policy) knows(host string) bool {
	name := strings.ToLower(hostOnly(host))
	if name == "localhost" {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	return slices.Contains(p.hosts, name)
}

// hostOnly returns a host without port and brackets.
func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// quoted shortens and quotes what a stranger sent.
func quoted(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most]
	}
	return "\"" + strings.ToValidUTF8(s, "\ufffd") + "\""
}
