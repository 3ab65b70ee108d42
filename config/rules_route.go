package config

import (
	"net"
	"sort"
	"strings"
)

// framing are the headers that say where a message ends or belong to one
// connection; edits would let a message be read as two.
var framing = map[string]bool{
	"content-length": true, "transfer-encoding": true, "connection": true,
	"keep-alive": true, "proxy-connection": true, "te": true, "trailer": true, "upgrade": true, "http2-settings": true,
}

func (v *validator) routes() {
	for i, r := range v.c.Routes {
		key := index("routes", i)
		v.match(key+".match", r.Match)
		if r.Pool == "" {
			v.missing(key+".pool", "is missing", "name the pool that gets the requests")
		} else {
			v.poolExists(key+".pool", r.Pool)
		}
		v.stripPrefix(key+".stripPrefix", r)
		v.headerEdit(key+".headers.request", r.Headers.Request)
		v.headerEdit(key+".headers.response", r.Headers.Response)
	}
}

func (v *validator) match(key string, m Match) {
	if m.Host != "" {
		v.refuse(key+".host", checkHost(m.Host))
	}
	if m.Path != "" {
		v.refuse(key+".path", checkPath(m.Path))
	}
	for i, method := range m.Methods {
		switch {
		case !token(method):
			v.fault(index(key+".methods", i), quote(method)+" is not a method", "write one such as GET")
		case method != strings.ToUpper(method):
			v.fault(index(key+".methods", i), quote(method)+" is not in capitals", "write "+strings.ToUpper(method))
		}
	}
	v.headerMap(key+".headers", m.Headers, false)
}

func checkHost(host string) *valueError {
	if name, port, err := net.SplitHostPort(host); err == nil && hostForm(name) && number.MatchString(port) {
		return &valueError{quote(host) + " has a port, which does not matter for the match", "write " + name}
	}
	bare := strings.TrimPrefix(host, "*.")
	if literal, ok := strings.CutPrefix(bare, "["); ok {
		bare = strings.TrimSuffix(literal, "]")
	}
	if !hostForm(bare) {
		return &valueError{quote(host) + " is not a host", "write one such as api.example.com or *.example.com"}
	}
	return nil
}

// checkPath is for prefixes of a request's path.
func checkPath(path string) *valueError {
	if !strings.HasPrefix(path, "/") {
		return &valueError{quote(path) + " does not begin with /", "write " + quote("/"+path)}
	}
	if i := strings.IndexFunc(path, func(r rune) bool { return r <= ' ' || r == '?' || r == '#' || r == 0x7f }); i >= 0 {
		return &valueError{quote(path) + " has " + quote(path[i:i+1]) + " in it", "write the path alone, without query, spaces or control characters"}
	}
	return nil
}

func (v *validator) stripPrefix(key string, r Route) {
	strip := r.StripPrefix
	if strip == "" {
		return
	}
	if bad := checkPath(strip); bad != nil {
		v.refuse(key, bad)
		return
	}
	switch {
	case strip == "/":
		v.fault(key, `"/" takes nothing away`, "remove the key")
	case !strings.HasPrefix(strings.TrimSuffix(r.Match.Path, "/")+"/", strings.TrimSuffix(strip, "/")+"/"):
		v.fault(key, quote(strip)+" is not the beginning of match.path "+quote(r.Match.Path), "set match.path to "+quote(strip+"/")+", or strip a part of it")
	}
}

func (v *validator) headerEdit(key string, e HeaderEdit) {
	v.headerMap(key+".set", e.Set, true)
	for name, host := range e.Set {
		if !strings.EqualFold(name, "Host") {
			continue
		}
		at := join(key+".set", name)
		if !strings.HasSuffix(key, ".request") {
			v.refuse(at, notEditable(name))
		} else if !authority(host) {
			v.fault(at, quote(host)+" is not a host", "write one such as app.internal or app.internal:8080")
		}
	}
	for i, name := range e.Remove {
		if strings.EqualFold(name, "Host") {
			v.refuse(index(key+".remove", i), notEditable(name))
			continue
		}
		v.refuse(index(key+".remove", i), checkHeaderName(name, true))
	}
}

func (v *validator) headerMap(key string, headers map[string]string, edit bool) {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	sort.Strings(names)
	seen := map[string]string{}
	for _, name := range names {
		at := join(key, name)
		v.refuse(at, checkHeaderName(name, edit))
		if strings.ContainsFunc(headers[name], func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			v.fault(at, "the value has a line break or another control character", "remove it")
		}
		if other, twice := seen[strings.ToLower(name)]; twice {
			v.fault(at, "is the same header as "+other, "keep one of them")
		}
		seen[strings.ToLower(name)] = name
	}
}

func checkHeaderName(name string, edit bool) *valueError {
	if !token(name) {
		return &valueError{quote(name) + " is not the name of a header", "write one such as X-Version"}
	}
	if edit && framing[strings.ToLower(name)] {
		return notEditable(name)
	}
	return nil
}

func notEditable(name string) *valueError {
	return &valueError{name + " is set by drover for each connection", "remove it from the edits"}
}

// authority reports whether s is a host with or without a port, as in a Host header.
func authority(s string) bool {
	host := s
	if name, port, err := net.SplitHostPort(s); err == nil && number.MatchString(port) {
		host = name
	} else if literal, ok := strings.CutPrefix(s, "["); ok {
		host = strings.TrimSuffix(literal, "]")
	}
	return hostForm(host)
}

// token reports whether s is a token of RFC 9110, section 5.6.2.
func token(s string) bool {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return false
		}
	}
	return s != ""
}
