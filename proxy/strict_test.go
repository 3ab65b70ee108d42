package proxy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What a client's bytes mean is settled here, by a reader of RFC 9110 and 9112
// that shares nothing with drover's. It takes what the grammar has and nothing
// else, and where the RFCs leave a recipient the choice it goes on only if all
// who go on must read the same:
//
//   - empty lines before a request are skipped, and a line of the head may end in
//     LF alone (RFC 9112 section 2.2); nowhere else: a chunk's line ends in CR LF.
//     Whether an empty line without CR ends the head only some can tell, so nobody
//     has to answer such a request;
//   - obs-fold, both lengths, several lengths, codings but chunked, and any coding
//     in HTTP/1.0 end the reading: sections 5.2, 6.1 and 6.3 let a recipient take
//     some of them, and those who do differ;
//   - a target may have each visible byte but #, as browsers send more than RFC
//     3986 allows and no parser divides a request line there;
//   - CONNECT ends it, since no request is behind one, and so does a request that
//     closes the connection: nothing behind it is to be processed, section 9.6.
//
// Where it stops nothing is said about what follows: drover may refuse that, and
// must not pass it on.
const (
	tokenRE  = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	valueRE  = `[^\x00-\x08\x0a-\x1f\x7f]*` // bytes above 7f are U+FFFD to a regexp
	quotedRE = `"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"`
	hostRE   = `(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-f:.]+\]`
)

var (
	strictRequest  = regexp.MustCompile("^(" + tokenRE + `) ([!-"$-~]+) HTTP/1\.([01])$`)
	strictField    = regexp.MustCompile("^(" + tokenRE + "):(" + valueRE + ")$")
	strictChunk    = regexp.MustCompile("^([0-9A-Fa-f]+)(?:[ \t]*;[ \t]*" + tokenRE + "(?:[ \t]*=[ \t]*(?:" + tokenRE + "|" + quotedRE + "))?)*$")
	strictHost     = regexp.MustCompile("^(" + hostRE + ")(?::([0-9]*))?$")
	strictAbsolute = regexp.MustCompile(`^(?i:https?)://([^/?]+)([/?].*)?$`)
)

// strictReader is at some place in a stream.
type strictReader struct {
	raw string
	at  int
}

// strictly reads a stream of requests.
func strictly(raw string) (s stream) {
	r := strictReader{raw: raw}
	for {
		for strings.HasPrefix(raw[r.at:], "\n") || strings.HasPrefix(raw[r.at:], "\r\n") {
			r.line(false)
		}
		if r.at == len(raw) {
			return s
		}
		s.starts = append(s.starts, r.at)
		m, what := r.request()
		switch what {
		case readWhole:
			s.requests = append(s.requests, *m)
			if m.last() && r.at < len(raw) {
				s.fault = "behind the last request"
				return s
			}
			continue
		case readCut:
			s.open = true
		default:
			s.fault = string(what)
		}
		s.partial = m
		return s
	}
}

// reading is how far something could be read: whole, cut, or why not.
type reading string

const (
	readWhole reading = ""
	readCut   reading = "cut"
)

// line takes a line without its end; a strict one ends in CR LF.
func (r *strictReader) line(strict bool) (string, reading) {
	line, _, ok := strings.Cut(r.raw[r.at:], "\n")
	if !ok {
		return "", readCut
	}
	r.at += len(line) + 1
	bare := strings.TrimSuffix(line, "\r")
	if strict && bare == line {
		return "", "a line ends in LF alone"
	}
	return bare, readWhole
}

// request takes a request; without its head there is none, without its body there
// is what came of it.
func (r *strictReader) request() (*meaning, reading) {
	line, what := r.line(false)
	if what != readWhole {
		return nil, what
	}
	p := strictRequest.FindStringSubmatch(line)
	if p == nil {
		return nil, "no request line"
	}
	m := &meaning{method: p[1], target: p[2], old: p[3] == "0"}
	if m.fields, what = r.fields(false); what != readWhole {
		return nil, what
	}
	m.bare = !strings.HasSuffix(r.raw[:r.at], "\r\n\r\n")
	hosts, lengths, codings := m.values("host"), m.values("content-length"), m.values("transfer-encoding")
	switch {
	case m.method == "CONNECT":
		return nil, "CONNECT"
	case len(hosts) > 1, len(hosts) == 0 && !m.old:
		return nil, "not one Host"
	case len(lengths)+len(codings) > 1:
		return nil, "more than one length"
	}
	if len(hosts) == 1 {
		m.host = hosts[0]
	}
	if !isStrictHost(m.host) || !m.isStrictTarget() {
		return nil, "no host or no target"
	}
	switch {
	case len(codings) == 1 && (m.old || !strings.EqualFold(codings[0], "chunked")):
		return nil, "a coding but chunked"
	case len(codings) == 1:
		return m, r.chunks(m)
	case len(lengths) == 1:
		return m, r.length(m, lengths[0])
	}
	return m, readWhole
}

// fields takes lines up to the empty one.
func (r *strictReader) fields(strict bool) (all []fieldLine, what reading) {
	for {
		text, what := r.line(strict)
		if what != readWhole || text == "" {
			return all, what
		}
		p := strictField.FindStringSubmatch(text)
		if p == nil {
			return nil, "no field"
		}
		all = append(all, fieldLine{strings.ToLower(p[1]), strings.Trim(p[2], " \t")})
	}
}

// number reads digits of any length; what has too many is as large as can be.
func number(digits string, base int) (int, bool) {
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil && n == 0 {
		return 0, false
	}
	return int(min(n, 1<<62)), true
}

// take takes n bytes of a body.
func (r *strictReader) take(m *meaning, n int) reading {
	got := r.raw[r.at:min(len(r.raw), r.at+min(n, len(r.raw)))]
	r.at += len(got)
	m.body += got
	if len(got) < n {
		return readCut
	}
	return readWhole
}

func (r *strictReader) length(m *meaning, digits string) reading {
	n, ok := number(digits, 10)
	if !ok {
		return "no length"
	}
	return r.take(m, n)
}

func (r *strictReader) chunks(m *meaning) reading {
	for {
		text, what := r.line(true)
		if what != readWhole {
			return what
		}
		p := strictChunk.FindStringSubmatch(text)
		if p == nil {
			return "no chunk size"
		}
		n, _ := number(p[1], 16)
		if n == 0 {
			m.trailer, what = r.fields(true)
			return what
		}
		if what := r.take(m, n); what != readWhole {
			return what
		}
		switch end := r.raw[r.at:]; {
		case strings.HasPrefix(end, "\r\n"):
			r.at += 2
		case strings.HasPrefix("\r\n", end):
			return readCut
		default:
			return "a chunk does not end"
		}
	}
}

func isStrictHost(s string) bool {
	p := strictHost.FindStringSubmatch(s)
	if p == nil {
		return false
	}
	port, ok := number(p[2], 10)
	return p[2] == "" || ok && port <= 65535
}

func (m *meaning) isStrictTarget() bool {
	if p := strictAbsolute.FindStringSubmatch(m.target); p != nil {
		return isStrictHost(p[1])
	}
	return m.target[0] == '/' || m.target == "*" && m.method == "OPTIONS"
}

// values are those of the fields of a name.
func (m *meaning) values(name string) (all []string) {
	for _, f := range m.fields {
		if f.name == name {
			all = append(all, f.value)
		}
	}
	return all
}

// lists reports whether a field of the name lists the item.
func (m *meaning) lists(name, item string) bool {
	return slices.ContainsFunc(m.values(name), func(v string) bool {
		return slices.ContainsFunc(strings.Split(v, ","), func(s string) bool {
			return strings.EqualFold(strings.Trim(s, " \t"), item)
		})
	})
}

// last reports whether no request may come behind it, RFC 9112 section 9.3.
func (m *meaning) last() bool {
	return m.lists("connection", "close") || m.old && !m.lists("connection", "keep-alive")
}

// onward is the request as a proxy at local sends it on, RFC 9112 section 3.2: in
// origin form, with the authority of an absolute target as its host, and with no
// fields that were for the proxy.
func (m meaning) onward(local string) meaning {
	if p := strictAbsolute.FindStringSubmatch(m.target); p != nil {
		m.host, m.target = p[1], p[2]
		switch {
		case m.target == "" && m.method == "OPTIONS":
			m.target = "*"
		case m.target == "" || m.target[0] == '?':
			m.target = "/" + m.target
		}
	}
	if m.host == "" {
		m.host = local // HTTP/1.1, which is spoken upstream, needs one
	}
	passes := func(f fieldLine) bool { return f.ordinary() && !m.lists("connection", f.name) }
	m.fields, m.trailer = those(m.fields, passes), those(m.trailer, passes)
	return m
}

func those(all []fieldLine, f func(fieldLine) bool) (some []fieldLine) {
	for _, l := range all {
		if f(l) {
			some = append(some, l)
		}
	}
	return some
}

// ordinary reports whether a field is no business of a proxy. That of a name that
// only differs from a forwarding field's in its dashes is.
func (f fieldLine) ordinary() bool {
	switch f.name {
	case "host", "connection", "proxy-connection", "keep-alive", "te", "transfer-encoding", "content-length", "upgrade",
		"http2-settings", "expect", "close": // the last one is reserved, RFC 9110 section 16.4.1
		return false
	}
	plain := strings.NewReplacer("_", "-", ".", "-").Replace(f.name)
	return plain != "forwarded" && plain != "x-real-ip" && plain != "x-request-id" && !strings.HasPrefix(plain, "x-forwarded-")
}

func TestStrict_StopsWhereReadersDiffer(t *testing.T) {
	f := func(raw, fault string, want ...string) {
		t.Helper()
		s := strictly(raw)
		if got := s.words(); !slices.Equal(got, want) || s.fault != fault {
			t.Errorf("%q: %q, %q", raw, got, s.fault)
		}
	}
	f("", "")
	f(nextRaw, "", nextWant)
	f(nextRaw+evil, "behind the last request", nextWant)
	f("GET / HTTP/1.0\r\n\r\n"+evil, "behind the last request", `GET /  ""`)
	f("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"+evil, "", `GET /  ""`, `GET /evil evil ""`)
	f(getH, "")
	f(getH+"\r\n", "", gotGet)
	f("\r\n\nGET / HTTP/1.1\nHost: h\n\n"+evil, "", gotGet, `GET /evil evil ""`)
	f("\r"+getH+"\r\n", "no request line")
	f(postC+"3;a=\"b;c\\\"\" ; d\r\nabc\r\n0\r\nA: b\r\n\r\n"+evil, "", gotABC, `GET /evil evil ""`)
	f(postC+"3;a=\"\r\nabc\r\n0\r\n\r\n", "no chunk size")
	f(postC+"3\nabc\r\n0\r\n\r\n", "a line ends in LF alone")
	f(postC+"3\r\nabcd\r\n", "a chunk does not end")
	f(postC+"3\r\nabc\r\n0\r\nA: b\n\r\n", "a line ends in LF alone")
	f(postC+strings.Repeat("f", 99)+"\r\nabc", "")
	f(postH+"Content-Length: "+strings.Repeat("9", 99)+"\r\n\r\nabc", "")
	f(postH+"Content-Length: +3\r\n\r\nabc", "no length")
	f(postH+"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"+abcC, "more than one length")
	f(postH+"A: b\r\n c\r\n\r\n", "no field")
	f("GET / HTTP/1.1\r\nHost: h|\r\n\r\n", "no host or no target")
	f("GET http://h:99999/ HTTP/1.1\r\nHost: h\r\n\r\n", "no host or no target")

	s := strictly(postC + "3\r\nabc\r\n9\r\ndef")
	if s.partial == nil || s.partial.body != "abcdef" || !s.open {
		t.Errorf("%+v", s)
	}
	m := strictly("GET http://other?q HTTP/1.1\r\nHost: h\r\nConnection: a\r\nA: b\r\nB: c\r\nX_Real_IP: d\r\n\r\n").requests[0].onward("")
	if m.words() != `GET /?q other ""` || !slices.Equal(m.fields, []fieldLine{{"b", "c"}}) {
		t.Errorf("%+v", m)
	}
}
