package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/drover-proxy/drover/internal/privatedir"
)

// runDir is the private folder of one running drover: the sockets of its
// workers and of their readiness notices. Its path is kept short, because the
// path of a Unix socket may have 107 bytes at most (unix(7)).
//
// It is locked while drover lives. That tells it from one that was left behind,
// also across PID namespaces, where a pid says nothing: containers may share the
// folder that it lies in.
type runDir struct {
	path string
	lock *os.File // the folder itself, open
}

// newRunDir makes the folder in the first of the given places that can be
// written, after it removed what drovers that are gone left there.
func newRunDir(places []string) (*runDir, error) {
	var faults []error
	for _, place := range places {
		d, err := makeRunDir(place)
		if err == nil {
			return d, nil
		}
		faults = append(faults, err)
	}
	return nil, fmt.Errorf("make the folder for worker sockets: %w; set XDG_RUNTIME_DIR to a folder that can be written", errors.Join(faults...))
}

func makeRunDir(place string) (*runDir, error) {
	if err := privatedir.Make(place); err != nil {
		return nil, err
	}
	// Nobody may take a folder that is not locked yet for one that was left behind.
	all, err := lockDir(place, syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	removeStale(place)
	name := filepath.Join(place, "run-"+strconv.Itoa(os.Getpid()))
	path := name
	for n := 2; ; n++ {
		err := os.Mkdir(path, 0o700)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		path = name + "." + strconv.Itoa(n) // one of another PID namespace has this pid, too
	}
	lock, err := lockDir(path, syscall.LOCK_EX)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return &runDir{path: path, lock: lock}, nil
}

// lockDir opens and locks a folder; closing unlocks it.
func lockDir(path string, how int) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// removeStale removes the folders of drovers that no longer run.
func removeStale(place string) {
	entries, err := os.ReadDir(place)
	if err != nil {
		return
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "run-")
		pid, _, _ := strings.Cut(name, ".")
		if _, err := strconv.Atoi(pid); !ok || err != nil {
			continue
		}
		path := filepath.Join(place, e.Name())
		lock, err := lockDir(path, syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // in use
		}
		_ = os.RemoveAll(path) // tried again by the next start
		_ = lock.Close()
	}
}

// remove takes the folder away at the end.
func (d *runDir) remove() {
	_ = os.RemoveAll(d.path) // what stays is removed by the next start
	_ = d.lock.Close()
}
