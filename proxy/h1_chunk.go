package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/drover-proxy/drover/proxy/exchange"
)

var (
	errChunk   = errors.New("the body's chunks are malformed")
	errTrailer = errors.New("the body's trailer is malformed")
)

const (
	maxChunkLine      = 1 << 10  // one size with its extension
	maxChunkOverhead  = 16 << 10 // extensions and tiny chunks: allowance beyond what the data pays for
	maxTrailerSection = 8 << 10
)

// chunkReader decodes a body in chunks, RFC 9112 section 7.1, without the
// leniencies in which parsers differ: each line ends in CR LF, the size is
// nothing but hexadecimal digits, extensions are checked, bounded and dropped.
type chunkReader struct {
	br       *bufio.Reader
	left     int64 // of the present chunk
	overhead int64 // framing bytes read less what the data accounts for
	inside   bool  // a chunk was begun, its CR LF is due
	finished bool
	trailer  []exchange.Field
	store    []byte // what trailer points to
}

func (c *chunkReader) begin(br *bufio.Reader) {
	*c = chunkReader{br: br, trailer: c.trailer[:0], store: c.store[:0]}
}

// Read gives decoded bytes; io.EOF after the last chunk and its trailer.
func (c *chunkReader) Read(p []byte) (int, error) {
	if c.finished {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, unexpected(err)
		}
		if c.left == 0 {
			if err := c.readTrailer(); err != nil {
				return 0, unexpected(err)
			}
			c.finished = true
			return 0, io.EOF
		}
	}
	n, err := c.br.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, unexpected(err)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next reads the end of the chunk before and the size of the next one.
func (c *chunkReader) next() error {
	if c.inside {
		var end [2]byte
		if _, err := io.ReadFull(c.br, end[:]); err != nil {
			return err
		}
		if end != [2]byte{'\r', '\n'} {
			return errChunk
		}
	}
	line, err := c.line(maxChunkLine)
	if err != nil {
		return err
	}
	size, digits := int64(0), 0
	for digits < len(line) && isHex(line[digits]) {
		if digits == 15 { // 15 digits always fit
			return errChunk
		}
		size = size<<4 | int64(unhex(line[digits]))
		digits++
	}
	if digits == 0 {
		return errChunk
	}
	if !validExtensions(line[digits:]) {
		return errChunk
	}
	// A chunk of one byte costs six. A body made of such chunks is legal, a
	// body of extensions is an attack on the parser: what exceeds twice the
	// data and an allowance is refused.
	c.overhead += int64(len(line)) - 16 - min(size, 1<<20)
	c.overhead = max(c.overhead, 0)
	if c.overhead > maxChunkOverhead {
		return errChunk
	}
	c.left, c.inside = size, true
	return nil
}

// validExtensions checks what follows a chunk's size, RFC 9112 section 7.1.1. It
// means nothing to anybody, but where it ends was read in two ways: a quote that
// is open at the line's end goes on behind it for some.
func validExtensions(s []byte) bool {
	if len(s) > 0 && len(trim(s)) < len(s) {
		return false // blanks are only around what divides it
	}
	for len(s) > 0 {
		if s[0] != ';' {
			return false
		}
		s = bytes.TrimLeft(s[1:], " \t")
		n := tokenLength(s)
		if n == 0 {
			return false
		}
		if s = bytes.TrimLeft(s[n:], " \t"); len(s) == 0 || s[0] != '=' {
			continue
		}
		s = bytes.TrimLeft(s[1:], " \t")
		if n = tokenLength(s); n == 0 {
			n = quotedLength(s)
		}
		if n == 0 {
			return false
		}
		s = bytes.TrimLeft(s[n:], " \t")
	}
	return true
}

// line reads a line that ends in CR LF and returns it without that.
func (c *chunkReader) line(limit int) ([]byte, error) {
	line, err := c.br.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(line) > limit || len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, errChunk
	}
	return line[:len(line)-2], nil
}

func (c *chunkReader) readTrailer() error {
	for {
		line, err := c.line(maxTrailerSection)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !isToken(line[:colon]) || !validValue(line[colon+1:]) || len(c.store)+len(line) > maxTrailerSection {
			return errTrailer
		}
		// What frames, routes or vouches for a message is decided by its
		// header section and may not come after it, RFC 9110 section 6.5.1.
		if nameOf(line[:colon]) != nameOther {
			continue
		}
		if cap(c.store) == 0 {
			c.store = make([]byte, 0, maxTrailerSection) // never moves, so that fields stay valid
		}
		from := len(c.store)
		c.store = append(c.store, line...)
		kept := c.store[from:]
		c.trailer = append(c.trailer, exchange.Field{Name: kept[:colon], Value: trim(kept[colon+1:])})
	}
}
