package process

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// order is what the shim is told to do. It travels as a count of bytes, then fields that end in a
// zero byte, which neither paths nor arguments nor environment can have.
type order struct {
	parent int // pid of drover, or of the init
	umask  int // -1: keep
	path   string
	dir    string
	hold   string // a holding, encoded
	argv   []string
	env    []string
}

var errOrder = errors.New("the order for the shim is damaged")

// maxOrder bounds what the shim reads; the kernel takes at most 6 MiB of arguments and environment.
const maxOrder = 64 << 20

func (o order) encode() []byte {
	size := len(o.path) + len(o.dir) + len(o.hold) + 64
	for _, part := range [][]string{o.argv, o.env} {
		for _, text := range part {
			size += len(text) + 1
		}
	}
	b := make([]byte, 0, size)
	for _, n := range []int{o.parent, o.umask, len(o.argv)} {
		b = append(strconv.AppendInt(b, int64(n), 10), 0)
	}
	b = append(append(b, o.path...), 0)
	b = append(append(b, o.dir...), 0)
	b = append(append(b, o.hold...), 0)
	for _, part := range [][]string{o.argv, o.env} {
		for _, text := range part {
			b = append(append(b, text...), 0)
		}
	}
	return b
}

func decodeOrder(b []byte) (order, error) {
	if len(b) == 0 || b[len(b)-1] != 0 {
		return order{}, errOrder
	}
	fields := make([]string, 0, bytes.Count(b, []byte{0}))
	for len(b) > 0 {
		end := bytes.IndexByte(b, 0)
		fields = append(fields, string(b[:end]))
		b = b[end+1:]
	}
	if len(fields) < 6 {
		return order{}, errOrder
	}
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(fields[i]); err != nil {
			return order{}, fmt.Errorf("%w: %w", errOrder, err)
		}
	}
	o := order{parent: n[0], umask: n[1], path: fields[3], dir: fields[4], hold: fields[5]}
	rest := fields[6:]
	if n[2] < 1 || n[2] > len(rest) {
		return order{}, errOrder
	}
	o.argv, o.env = rest[:n[2]], rest[n[2]:]
	return o, nil
}

// What the shim reports: one byte for the step that failed, the error number and a word on what it
// was at, or shimReady just before execve. An end after shimReady means that execve succeeded.
const (
	shimReady  = '.'
	shimChdir  = 'c'
	shimExec   = 'e'
	shimOrphan = 'o' // drover is no longer the parent
	shimBroken = 'b' // the shim could not prepare
	shimBound  = 'l' // a bound cannot be kept; the word says which
	shimSpace  = 's' // of an init: a PID namespace cannot be set up
)
