//go:build !linux

package exchange

import (
	"errors"
	"syscall"
)

// Pipe would move bodies inside the kernel. That needs Linux.
type Pipe struct{}

// Pipes has none.
type Pipes struct {
	// Scarce is never called.
	Scarce func(fd int) bool
}

// Take returns nil: bodies are copied.
func (*Pipes) Take() *Pipe { return nil }

// Give is never called.
func (*Pipes) Give(*Pipe) {}

// Fill is never called.
func (*Pipe) Fill(syscall.RawConn, int64) (int, error) { return 0, errors.ErrUnsupported }

func (*Pipe) move(uintptr) (int, bool, error) { return 0, true, errors.ErrUnsupported }

// Empty is never called.
func (*Pipe) Empty(syscall.RawConn) (int, error) { return 0, errors.ErrUnsupported }
