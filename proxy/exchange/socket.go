package exchange

import (
	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/nonblock"
)

// The errors of the system calls here are compared as they are: they come
// bare, and errors.Is is dear on the path of every request.

// sight is what there is to see on a connection.
type sight uint8

const (
	quiet   sight = iota // nothing
	talking              // bytes
	gone                 // its end, be it a reset
)

// look tells what is on a connection, without taking it.
func look(fd int) sight {
	for {
		n, err := nonblock.Peek(fd)
		switch {
		case err == unix.EAGAIN: //nolint:errorlint // bare
			return quiet
		case n > 0:
			return talking
		case err != unix.EINTR: //nolint:errorlint // bare
			return gone
		}
	}
}

// send writes what the socket takes of the pieces at once; a full socket is 0
// and no error.
func send(fd int, pieces [][]byte) (int, error) {
	for {
		var n int
		var err error
		if len(pieces) == 1 {
			n, err = nonblock.Write(fd, pieces[0])
		} else {
			n, err = unix.Writev(fd, pieces)
		}
		switch {
		case err == nil:
			return n, nil
		case err == unix.EAGAIN: //nolint:errorlint // bare
			return 0, nil
		case err != unix.EINTR: //nolint:errorlint // bare
			return 0, err
		}
	}
}

// receive reads what there is; 0 without an error is the end.
func receive(fd int, p []byte) (int, error) {
	for {
		n, err := nonblock.Read(fd, p)
		if err != unix.EINTR { //nolint:errorlint // bare
			return n, err
		}
	}
}
