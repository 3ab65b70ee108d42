package proxy

import (
	"net"
	"strconv"
	"time"

	"github.com/drover-proxy/drover/proxy/exchange"
)

// answer is the head of a response to the client.
type answer struct {
	status   int
	reason   []byte
	fields   []exchange.Field // the upstream's, hop-by-hop ones included
	length   int64            // of the body; -1 when it is not known beforehand
	bodyless bool             // HEAD, 204, 304: framing fields pass as they came, no body follows
	id       []byte           // request id
	edit     *edit            // the route's; may be nil
	lines    []byte           // further lines, ready to be sent
	upgrade  []byte           // with 101: the protocol
	last     bool             // the connection ends after it
}

// copyWhole is the size up to which a body is copied behind its head, so that
// both leave in one write of one buffer.
const copyWhole = 16 << 10

// reply sends a whole answer.
func (h *h1) reply(a *answer, body []byte) error {
	h.begin(a)
	if a.bodyless {
		body = nil
	}
	if len(body) <= copyWhole {
		h.out = append(h.out, body...)
		return h.c.write(h.out)
	}
	return h.c.writeBoth(&h.pair, h.out, body)
}

// begin writes an answer's head to h.out and ends the time in which something
// may be sent before it.
func (h *h1) begin(a *answer) {
	h.interim.Lock()
	h.answered = true
	h.interim.Unlock()
	unknown := a.length < 0 && !a.bodyless
	h.close = h.close || a.last || !h.keep || (unknown && !h.http11) ||
		(h.m.body != nil && h.body.pending()) || h.c.listener.leaving()
	h.out = h.appendAnswer(h.out[:0], a)
}

func (h *h1) appendAnswer(dst []byte, a *answer) []byte {
	dst = appendStatus(dst, a.status, a.reason)
	dst = h.appendFields(dst, a)
	switch {
	case a.bodyless:
	case a.length >= 0:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, a.length, 10)
		dst = append(dst, "\r\n"...)
	case h.http11:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	switch {
	case a.upgrade != nil:
		dst = append(dst, "Connection: Upgrade\r\n"...)
		dst = appendField(dst, []byte("Upgrade"), a.upgrade)
	case h.close:
		dst = append(dst, "Connection: close\r\n"...)
	case !h.http11:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	dst = append(dst, a.lines...)
	if !a.edit.drops(requestID) {
		dst = appendField(dst, requestID, a.id)
	}
	if a.edit != nil {
		dst = append(dst, a.edit.lines...)
	}
	return append(dst, "\r\n"...)
}

// appendFields appends the upstream's fields less those of its own hop.
func (h *h1) appendFields(dst []byte, a *answer) []byte {
	h.drop.ofAnswer(a.fields)
	for i := range a.fields {
		f := &a.fields[i]
		switch n := nameOf(f.Name); {
		case n == nameOther:
		case n == nameRequestID:
			continue
		case n == nameContentLength && a.bodyless && a.status >= 200 && a.status != 204: // RFC 9110 section 8.6
		case n.hopByHop():
			continue
		}
		if h.passes(a, f.Name) {
			dst = appendField(dst, f.Name, f.Value)
		}
	}
	return dst
}

// passes reports whether neither the route nor the Connection fields of the
// answer, whose head was appended, leave a field out.
func (h *h1) passes(a *answer, key []byte) bool { return !a.edit.drops(key) && !h.drop.has(key) }

// appendStatus appends a status line; the version is the one that drover
// speaks, whatever the upstream spoke.
func appendStatus(dst []byte, status int, reason []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason...)
	return append(dst, "\r\n"...)
}

// inform passes an informational answer on at once.
func (h *h1) inform(status int, fields []exchange.Field) bool {
	if !h.http11 {
		return false // 1xx does not exist for them
	}
	h.interim.Lock()
	defer h.interim.Unlock()
	if h.answered {
		return false
	}
	a := answer{status: status, fields: fields, bodyless: true}
	b := appendStatus(nil, status, []byte(reasonOf(status)))
	b = append(h.appendFields(b, &a), "\r\n"...)
	_ = h.c.write(b) // where that fails, the answer will
	return true
}

// goOn is called before the body is read: a client that waits for 100 is told
// to go on now, not earlier, because only now somebody wants the body.
func (h *h1) goOn() error {
	if !h.m.expect {
		return nil
	}
	h.interim.Lock()
	defer h.interim.Unlock()
	if h.told100 || h.answered || h.br.Buffered() > 0 {
		return nil // told already, or the client did not wait
	}
	h.told100 = true
	return h.c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
}

// write sends p, all of it or nothing more ever. Its time is up when the client has
// taken nothing for server.timeouts.responseWriteIdle, however long all of it takes.
func (c *conn) write(p []byte) error {
	if c.lost == nil {
		c.lost = c.writeAll(p)
	}
	return c.lost
}

func (c *conn) writeAll(p []byte) error {
	if c.inside { // and mostly done at once
		n, err := c.writeNow(p)
		if err != nil || n == len(p) {
			return err
		}
		p = p[n:]
	}
	idle := c.listener.table.Load().timeouts.responseWrite
	for {
		if err := c.writeWithin(time.Now(), idle); err != nil {
			return err
		}
		n, err := c.nc.Write(p)
		if err == nil || n == 0 || !isTimeout(err) {
			return err
		}
		p = p[n:]
	}
}

// writePipe is write for what a pipe holds.
func (c *conn) writePipe(p *exchange.Pipe) error {
	if c.lost == nil {
		c.lost = c.empty(p)
	}
	return c.lost
}

func (c *conn) empty(p *exchange.Pipe) error {
	idle := c.listener.table.Load().timeouts.responseWrite
	for {
		if err := c.writeWithin(time.Now(), idle); err != nil {
			return err
		}
		n, err := p.Empty(c.raw)
		if err == nil || n == 0 || !isTimeout(err) {
			return err
		}
	}
}

// pair is what writeBoth needs; kept with the connection's state, since it
// would be allocated otherwise.
type pair struct {
	parts   [2][]byte
	buffers net.Buffers
}

// writeBoth sends a and b, in one system call where the connection can.
func (c *conn) writeBoth(p *pair, a, b []byte) error {
	if c.lost == nil {
		c.lost = c.writeParts(p, a, b)
	}
	return c.lost
}

func (c *conn) writeParts(p *pair, a, b []byte) error {
	if err := c.writeWithin(time.Now(), c.listener.table.Load().timeouts.responseWrite); err != nil {
		return err
	}
	p.parts[0], p.parts[1] = a, b
	p.buffers = p.parts[:]
	n, err := p.buffers.WriteTo(c.nc)
	p.parts, p.buffers = [2][]byte{}, nil
	if err == nil || n == 0 || !isTimeout(err) {
		return err
	}
	if int(n) < len(a) {
		if err := c.writeAll(a[n:]); err != nil {
			return err
		}
		return c.writeAll(b)
	}
	return c.writeAll(b[int(n)-len(a):])
}
