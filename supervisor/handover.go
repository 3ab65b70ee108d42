package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/drover-proxy/drover/internal/peeruser"
)

// privateSocket is the name of a worker's socket in a folder of its own.
const privateSocket = "s"

// apart reports whether the worker is kept out of drover's folder, so that it
// needs one of its own for its socket.
func (e *equipment) apart() bool { return e.account != nil || e.cfg.Security.Confined() }

// makeFolder makes the worker's own folder.
func (e *equipment) makeFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder for the worker's socket: %w", err)
	}
	e.folder = path
	if a := e.account; a != nil {
		if err := os.Chown(path, a.UID, a.GID); err != nil {
			return fmt.Errorf("give the worker the folder for its socket: %w", err)
		}
	}
	return nil
}

// handOver lets the user that the worker runs as reach what it is given.
func (e *equipment) handOver() error {
	a := e.account
	if a == nil {
		return nil
	}
	for _, f := range e.handed {
		if f == nil {
			continue
		}
		if err := f.Chown(a.UID, a.GID); err != nil { // programs open /dev/stdout anew
			return fmt.Errorf("give user %s what the worker writes to: %w", e.cfg.Security.User, err)
		}
	}
	for _, path := range []string{e.folder, e.who.NotifySocket, e.who.LinkSocket, e.who.Preload} {
		if path == "" {
			continue
		}
		if err := passable(filepath.Dir(path), filepath.Dir(e.options.RunDir)); err != nil {
			return err
		}
	}
	if path := e.who.NotifySocket; path != "" {
		if err := os.Chown(path, a.UID, a.GID); err != nil {
			return fmt.Errorf("give user %s the socket it may report at: %w", e.cfg.Security.User, err)
		}
	}
	if path := e.who.LinkSocket; path != "" { // of all workers; what opens it is a key
		if err := os.Chmod(path, 0o666); err != nil {
			return fmt.Errorf("let user %s connect for messages: %w", e.cfg.Security.User, err)
		}
	}
	return nil
}

// verify returns what is asked of connections to the worker's socket, whose
// folder is the worker's; nil: nothing.
func (e *equipment) verify() func(net.Conn) error {
	a := e.account
	if a == nil || a.UID < 0 || !e.cfg.Security.NoNewPrivileges { // or a setuid program may listen as somebody else
		return nil
	}
	return peeruser.Is(a.UID)
}

// passable lets every user pass through the folder and those above it, as far as
// they are drover's: own is the highest of these. Nobody can list them.
func passable(dir, own string) error {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("let workers reach their sockets: %w", err)
		}
		if mode := info.Mode().Perm(); mode&0o001 == 0 {
			rel, err := filepath.Rel(own, dir)
			if err != nil || !filepath.IsLocal(rel) {
				return fmt.Errorf("users that workers run as cannot enter %s, in which drover's sockets are; start drover with XDG_RUNTIME_DIR unset, or set to a folder that they can enter", dir)
			}
			if err := os.Chmod(dir, mode|0o011); err != nil {
				return fmt.Errorf("let workers reach their sockets: %w", err)
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
