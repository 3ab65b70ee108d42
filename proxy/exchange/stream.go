package exchange

import (
	"errors"
	"io"
)

var (
	errShortBody = errors.New("body is shorter than announced")
	errLongBody  = errors.New("body is longer than announced")
)

// stream sends the body.
func (u *upload) stream() bool {
	mem := u.client.buffers.takeLarge()
	defer u.client.buffers.large.Put(mem)
	for left := u.length; ; {
		var ok bool
		if left, ok = u.pump(left); !ok {
			return false
		}
		// Room for a size line before, and for a line end and the last chunk
		// behind the data.
		data := mem[32 : 32+64<<10]
		n, err := u.fetch(data, left)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			u.fail(ClientBody, err)
			return false
		}
		if u.length >= 0 {
			left -= int64(n)
		}
		if end {
			u.stage.Store(fetched)
		}
		out := data[:n]
		if u.length < 0 {
			if out, err = u.frame(mem, n, end); err != nil {
				u.fail(ClientBody, err)
				return false
			}
		}
		if len(out) > 0 && !u.send(out) {
			return false
		}
		if end {
			return true
		}
	}
}

// pump has the kernel move a long body of known length, as far as that goes. It
// returns what is left, and false when the upload is over.
func (u *upload) pump(left int64) (int64, bool) {
	body, ok := u.body.(fillable)
	if !ok || u.copied || u.length < 0 || !body.Fillable() {
		return left, true
	}
	pipe := u.client.buffers.Pipes.Take()
	if pipe == nil {
		u.copied = true
		return left, true
	}
	defer u.client.buffers.Pipes.Give(pipe)
	empty := func(fd uintptr) bool {
		n, done, err := pipe.move(fd)
		if n > 0 {
			u.sent += int64(n)
			u.moved = u.cn.now()
		}
		u.err = err
		return done
	}
	for left > 0 {
		n, err := body.Fill(pipe)
		switch {
		case errors.Is(err, ErrNoPipe):
			u.copied = true
			return left, true
		case err != nil:
			u.fail(ClientBody, err)
			return left, false
		case int64(n) > left:
			u.fail(ClientBody, errLongBody)
			return left, false
		}
		left -= int64(n)
		if !u.push(empty) {
			return left, false
		}
	}
	return left, true
}

// fetch reads the next piece. The last one of a body of known length is given
// together with io.EOF: that the body ends there is checked before it is sent,
// so that a body that is too long never reaches the upstream complete.
func (u *upload) fetch(data []byte, left int64) (int, error) {
	n, err := u.body.Read(data)
	if u.length < 0 {
		return n, err
	}
	switch {
	case int64(n) > left:
		return 0, errLongBody
	case errors.Is(err, io.EOF) && int64(n) < left:
		return 0, errShortBody
	case err != nil || int64(n) < left:
		return n, err
	}
	var more int
	for tries := 0; err == nil && more == 0; tries++ {
		if tries == 100 {
			return 0, io.ErrNoProgress
		}
		more, err = u.body.Read(data[n:cap(data)][:1])
	}
	if more > 0 {
		return 0, errLongBody
	}
	return n, err
}

// frame puts the n bytes at mem[32:] into a chunk, with the last chunk behind
// it at the end of the body.
func (u *upload) frame(mem *largeBuffer, n int, end bool) ([]byte, error) {
	out := mem[32 : 32+n]
	if n > 0 {
		const digits = "0123456789abcdef"
		mem[30], mem[31] = '\r', '\n'
		start := 30
		for v := n; v > 0; v >>= 4 {
			start--
			mem[start] = digits[v&15]
		}
		out = mem[start : 32+n]
	}
	if !end {
		if n > 0 {
			out = append(out, '\r', '\n')
		}
		return out, nil
	}
	return lastChunk(out, n > 0, u.body.Trailer())
}
