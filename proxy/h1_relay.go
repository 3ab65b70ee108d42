package proxy

import (
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/drover-proxy/drover/proxy/exchange"
)

const (
	relaySize = 64 << 10
	frontRoom = 8 // a chunk's size in front of it: FFFFFF CR LF
	backRoom  = 2 // CR LF behind it
)

// relay sends a's head, then the body as it comes.
func (h *h1) relay(a *answer, src source) (int64, error) {
	h.begin(a)
	if a.length >= 0 {
		return h.relayLength(a.length, src)
	}
	// Nobody knows when the first byte of the body comes: the head goes ahead.
	if err := h.c.write(h.out); err != nil {
		return 0, err
	}
	if !h.http11 {
		return h.relayClose(src)
	}
	return h.relayChunks(a, src)
}

// relayLength passes on a body whose length was announced. One that ends early
// ends the connection, which shows the client that it is short.
func (h *h1) relayLength(length int64, src source) (int64, error) {
	buf := h.server.relays.take()
	defer h.server.relays.give(buf)
	var n int
	var err error
	if src.Ready() {
		n, err = src.Read(buf[:])
		if werr := h.c.writeBoth(&h.pair, h.out, buf[:n]); werr != nil {
			return 0, werr
		}
	} else if werr := h.c.write(h.out); werr != nil { // an upstream that sends its head first wants it there first
		return 0, werr
	}
	sent := int64(n)
	f, direct := src.(filler)
	direct = direct && h.c.direct
	for err == nil && sent < length {
		if direct && f.Fillable() {
			direct = false // at most once
			more, err := h.relayPipe(f)
			if sent += more; err != nil {
				h.close = true
				return sent, err
			}
			continue
		}
		n, err = src.Read(buf[:])
		if n > 0 {
			if werr := h.c.write(buf[:n]); werr != nil {
				return sent, werr
			}
			sent += int64(n)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		h.close = true
		return sent, sourceError{err}
	}
	if sent < length {
		h.close = true
		return sent, sourceError{io.ErrUnexpectedEOF}
	}
	return sent, nil
}

// filler is a source whose body the kernel can move.
type filler interface {
	Fillable() bool
	Fill(p *exchange.Pipe) (int, error)
}

// relayPipe passes a large body on without taking it into the process, as far as
// that goes; what it leaves is read. What the client has not taken stays in the
// pipe, so a client is given its time as with any other write.
func (h *h1) relayPipe(f filler) (sent int64, err error) {
	p := h.server.buffers.Pipes.Take()
	if p == nil {
		return 0, nil
	}
	defer h.server.buffers.Pipes.Give(p)
	for {
		n, err := f.Fill(p)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, exchange.ErrNoPipe):
			return sent, nil
		case err != nil:
			return sent, sourceError{err}
		}
		if err := h.c.writePipe(p); err != nil {
			return sent, err
		}
		sent += int64(n)
	}
}

// relayClose passes on a body that ends with the connection: whatever else ends it
// before (an error, a panic, a drain) resets that.
func (h *h1) relayClose(src source) (sent int64, err error) {
	buf := h.server.relays.take()
	defer h.server.relays.give(buf)
	h.c.unfinished.Store(true)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			if werr := h.c.write(buf[:n]); werr != nil {
				return sent, werr
			}
			sent += int64(n)
		}
		if errors.Is(err, io.EOF) {
			h.c.unfinished.Store(false)
			return sent, nil
		}
		if err != nil {
			h.broken = true // finish might linger, which begins with an end in order
			return sent, sourceError{err}
		}
	}
}

// relayChunks passes on a body in chunks, each piece as it comes. Size and end
// of a chunk are put around the piece in the buffer it was read into.
func (h *h1) relayChunks(a *answer, src source) (sent int64, err error) {
	buf := h.server.relays.take()
	defer h.server.relays.give(buf)
	for {
		n, err := src.Read(buf[frontRoom : len(buf)-backRoom])
		if n > 0 {
			if werr := h.c.write(frameChunk(buf[:], n)); werr != nil {
				return sent, werr
			}
			sent += int64(n)
		}
		switch {
		case errors.Is(err, io.EOF):
			return sent, h.c.write(h.appendLastChunk(h.out[:0], a, src.Trailer()))
		case err != nil:
			h.close = true // without the last chunk: visibly short
			return sent, sourceError{err}
		}
	}
}

// frameChunk makes a chunk of the n bytes at buf[frontRoom:].
func frameChunk(buf []byte, n int) []byte {
	var size [frontRoom]byte
	digits := strconv.AppendInt(size[:0], int64(n), 16)
	digits = append(digits, '\r', '\n')
	from := frontRoom - len(digits)
	copy(buf[from:], digits)
	end := frontRoom + n
	buf[end], buf[end+1] = '\r', '\n'
	return buf[from : end+2]
}

func (h *h1) appendLastChunk(dst []byte, a *answer, trailer []exchange.Field) []byte {
	dst = append(dst, "0\r\n"...)
	for _, f := range trailer {
		if nameOf(f.Name) == nameOther && h.passes(a, f.Name) { // the same rules as for the client's
			dst = appendField(dst, f.Name, f.Value)
		}
	}
	return append(dst, "\r\n"...)
}

// hijacked is a client's connection after an upgrade.
type hijacked struct {
	conn *conn
	read []byte // came already
}

// tunnel sends the 101 and gives the connection away.
func (h *h1) tunnel(a *answer) (hijacked, error) {
	h.c.state.Store(connTunnel)
	h.begin(a)
	if err := h.c.write(h.out); err != nil {
		return hijacked{}, err
	}
	read, _ := h.br.Peek(h.br.Buffered()) // cannot fail
	if err := h.c.nc.SetDeadline(time.Time{}); err != nil {
		return hijacked{}, err
	}
	return hijacked{h.c, read}, nil
}

const (
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
)

// linger ends a connection on which the client may still be sending. Closing at
// once would make its kernel throw away the answer it has not read yet. One that did
// not take its answer is given no time for it.
func (h *h1) linger() {
	half, ok := h.c.nc.(interface{ CloseWrite() error })
	if h.c.lost != nil || !ok || half.CloseWrite() != nil || h.c.nc.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	h.c.onRead = nil
	buf := h.server.relays.take()
	defer h.server.relays.give(buf)
	for left := lingerBytes; left > 0; {
		n, err := h.c.nc.Read(buf[:])
		left -= n
		if err != nil {
			return
		}
	}
}

// isConnError reports whether err comes from the connection itself.
func isConnError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, net.ErrClosed)
}
