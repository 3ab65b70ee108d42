// Package privatedir makes folders that only their owner can enter, for sockets
// and keys in places that others can write to, such as a temporary directory.
package privatedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Make sees to it that dir exists, belongs to this user and is closed to all
// others, who may at most pass through to what lies within and is open to them. Its parent must exist. An error says whose it is otherwise.
func Make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := Check(dir); err != nil {
		return err
	}
	const open = 0o711 // by drover, for workers that run as another user
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm() != 0o700 && info.Mode().Perm() != open {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// Check refuses what is not a folder of this user: in a temporary directory
// somebody else could have made it, to meet what is put there.
func Check(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of user %d", dir, os.Geteuid())
	}
	return nil
}
