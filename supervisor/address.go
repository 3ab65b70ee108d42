package supervisor

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// maxSocketPath is the longest path of a Unix socket in bytes: 108 on Linux and
// 104 on Darwin, less the closing zero.
const maxSocketPath = 103

// address is where a worker may listen.
type address struct{ network, at string }

// addresses returns where to look for the worker's listener, in this order.
func (w identity) addresses() []address {
	tcp := address{"tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.Port))}
	unix := address{"unix", w.Socket}
	switch w.Transport {
	case "socket":
		return []address{unix}
	case "auto": // a worker that has both is cheaper to reach by the socket
		return []address{unix, tcp}
	}
	return []address{tcp}
}

// socketPath returns where the worker's socket lives, in a folder of the worker's
// own where inner is the name that it has there. A name that would be too long
// for a socket is shortened to a hash of it.
func socketPath(dir, id, inner string) (string, error) {
	path := filepath.Join(dir, id+".sock", inner)
	if len(path) > maxSocketPath {
		h := fnv.New64a()
		_, _ = h.Write([]byte(id)) // never fails
		path = filepath.Join(dir, strconv.FormatUint(h.Sum64(), 36)+".sock", inner)
	}
	if len(path) > maxSocketPath {
		return "", fmt.Errorf("the socket %s has a path of %d bytes, and a Unix socket's may have %d; use a shorter run folder", path, len(path), maxSocketPath)
	}
	return path, nil
}

// removeSocket removes the socket's file, left over or no longer used.
func removeSocket(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the worker's socket: %w", err)
	}
	return nil
}
