package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
)

// maxNotify is the longest datagram, in bytes, that is read whole; the rest of
// a longer one is lost. systemd's own limit is 4096.
const maxNotify = 4096

// saysReady reports whether a datagram of sd_notify(3) holds READY=1 among its
// newline-separated assignments. Other assignments (STATUS=, MAINPID=, …) are
// of no use to drover.
func saysReady(datagram []byte) bool {
	for line := range bytes.SplitSeq(datagram, []byte{'\n'}) {
		if string(bytes.TrimRight(line, "\r")) == "READY=1" {
			return true
		}
	}
	return false
}

// notifySocket is where one worker may write READY=1.
type notifySocket struct {
	conn *net.UnixConn
	path string
}

// listenNotify makes the socket; a file left over at path is replaced.
func listenNotify(path string) (*notifySocket, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("make the notify socket: %w", err)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("make the notify socket: %w", err)
	}
	return &notifySocket{conn: conn, path: path}, nil
}

// read calls ready for each READY=1 until the socket is closed.
func (n *notifySocket) read(ready func()) {
	buf := make([]byte, maxNotify)
	for {
		size, err := n.conn.Read(buf)
		if err != nil {
			return
		}
		if saysReady(buf[:size]) {
			ready()
		}
	}
}

// close ends read and removes the socket's file.
func (n *notifySocket) close() error {
	err := n.conn.Close()
	if e := os.Remove(n.path); e != nil && !errors.Is(e, os.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}
