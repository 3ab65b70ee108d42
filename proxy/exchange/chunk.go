package exchange

import (
	"bytes"
	"errors"
)

const (
	// maxSizeLine bounds a chunk's size line. Extensions mean nothing to
	// anyone we know; long ones are only good for making us read a lot for
	// little (CVE-2023-39326).
	maxSizeLine = 256
	// maxOverhead bounds what size lines add to a body, counting only what is
	// longer than 16 bytes and twice the chunk (as net/http does): chunks of
	// one byte are honest, long extensions on each are not.
	maxOverhead = 16 << 10
	// maxTrailer bounds the trailer section.
	maxTrailer = 16 << 10
)

var (
	errChunkSize    = errors.New("malformed chunk size")
	errChunkLine    = errors.New("chunk size line is too long")
	errChunkEnd     = errors.New("chunk does not end in CRLF")
	errChunkWaste   = errors.New("chunks carry more framing than data")
	errTrailerLarge = errors.New("trailer section is larger than 16 KB")
	errTrailerLine  = errors.New("trailer line does not end in CRLF")
)

// chunkState is what the next byte of a chunked body is.
type chunkState uint8

const (
	sizeFirst  chunkState = iota // first digit of a size
	sizeMore                     // further digits, or what ends them
	extension                    // after a semicolon, up to CR
	quoted                       // in quotes there, where no line may end
	escaped                      // after a backslash in quotes
	sizeLF                       // LF of the size line
	chunkData                    // left bytes of data
	dataCR                       // CR after data
	dataLF                       // LF after data
	trailerRaw                   // the trailer section, kept until it is complete
	chunksDone
)

// decoder takes chunked framing off a body as it comes in. Line ends must be
// CRLF: what is read here as a line must be one to everybody.
type decoder struct {
	state    chunkState
	left     int64 // of the chunk
	line     int   // bytes of the size line so far
	overhead int64
	raw      []byte // trailer section
	lineAt   int    // where its current line starts
	trailer  []Field
}

// begin makes d ready for a body; it keeps its memory.
func (d *decoder) begin() {
	*d = decoder{raw: d.raw[:0], trailer: d.trailer[:0]}
}

func (d *decoder) done() bool { return d.state == chunksDone }

// decode takes the framing off b in place: the data is in b[:n]. It stops after
// the end of the body; used is how much of b was of it.
func (d *decoder) decode(b []byte) (n, used int, err error) {
	for used < len(b) && d.state != chunksDone {
		switch d.state {
		case chunkData:
			k := len(b) - used
			if int64(k) > d.left {
				k = int(d.left)
			}
			if n != used {
				copy(b[n:], b[used:used+k])
			}
			n, used = n+k, used+k
			d.left -= int64(k)
			if d.left == 0 {
				d.state = dataCR
			}
		case trailerRaw:
			k, err := d.trailers(b[used:])
			if err != nil {
				return n, used, err
			}
			used += k
		default:
			if err := d.frame(b[used]); err != nil {
				return n, used, err
			}
			used++
		}
	}
	return n, used, nil
}

// frame takes one byte outside of data and trailers.
func (d *decoder) frame(c byte) error {
	if d.line++; d.line > maxSizeLine {
		return errChunkLine
	}
	switch d.state {
	case sizeFirst, sizeMore:
		v, ok := hex(c)
		switch {
		case ok:
			if d.left > (1<<63-1)>>4 {
				return errChunkSize
			}
			d.left = d.left<<4 | v
			d.state = sizeMore
		case d.state == sizeMore && c == '\r':
			d.state = sizeLF
		case d.state == sizeMore && c == ';':
			d.state = extension
		default:
			return errChunkSize
		}
	case extension, quoted, escaped:
		if d.state == extension && c == '\r' {
			d.state = sizeLF
			return nil
		}
		if c < ' ' && c != '\t' || c == 0x7f {
			return errChunkSize
		}
		d.state = d.state.within(c)
	case sizeLF:
		if c != '\n' {
			return errChunkSize
		}
		if d.overhead += max(int64(d.line)-16-2*min(d.left, 1<<32), -d.overhead); d.overhead > maxOverhead {
			return errChunkWaste
		}
		d.line = 0
		d.state = chunkData
		if d.left == 0 {
			d.state = trailerRaw
		}
	case dataCR:
		if c != '\r' {
			return errChunkEnd
		}
		d.state = dataLF
	case dataLF:
		if c != '\n' {
			return errChunkEnd
		}
		d.line = 0
		d.state = sizeFirst
	}
	return nil
}

// trailers takes the next line of the trailer section from b, or what there is
// of it, and parses the section when it is complete.
func (d *decoder) trailers(b []byte) (int, error) {
	k := bytes.IndexByte(b, '\n') + 1
	if k == 0 {
		k = len(b)
	}
	if len(d.raw)+k > maxTrailer {
		return 0, errTrailerLarge
	}
	d.raw = append(d.raw, b[:k]...)
	if b[k-1] != '\n' {
		return k, nil
	}
	line := d.raw[d.lineAt:]
	d.lineAt = len(d.raw)
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return 0, errTrailerLine
	}
	if len(line) > 2 {
		return k, nil
	}
	d.state = chunksDone
	return k, d.parseTrailer()
}

// within is the state behind one more byte of an extension. A quote that is open
// at the line's end goes on behind it for some readers (CVE-2026-2332).
func (s chunkState) within(c byte) chunkState {
	switch {
	case s == escaped, s == extension && c == '"':
		return quoted
	case s == quoted && c == '"':
		return extension
	case s == quoted && c == '\\':
		return escaped
	}
	return s
}

func (d *decoder) parseTrailer() error {
	for b := d.raw; len(b) > 2; {
		i := bytes.IndexByte(b, '\n')
		f, err := splitField(b[:i-1])
		if err != nil {
			return err
		}
		if len(d.trailer) >= maxFields {
			return errFieldCount
		}
		// Fields that frame a message have no business after it.
		if !equalFold(f.Name, "content-length") && !equalFold(f.Name, "transfer-encoding") {
			d.trailer = append(d.trailer, f)
		}
		b = b[i+1:]
	}
	return nil
}

func hex(c byte) (int64, bool) {
	switch {
	case digit(c):
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}
