package main

import (
	"errors"
	"fmt"
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
type runDir struct{ path string }

// newRunDir makes the folder in the first of the given places that can be
// written, after it removed what drovers that are gone left there.
func newRunDir(places []string) (*runDir, error) {
	var faults []error
	for _, place := range places {
		path := filepath.Join(place, "run-"+strconv.Itoa(os.Getpid()))
		err := privatedir.Make(place)
		if err == nil {
			removeStale(place)
			err = os.Mkdir(path, 0o700)
		}
		if err == nil {
			return &runDir{path: path}, nil
		}
		faults = append(faults, err)
	}
	return nil, fmt.Errorf("make the folder for worker sockets: %w; set XDG_RUNTIME_DIR to a folder that can be written", errors.Join(faults...))
}

// removeStale removes the folders of drovers that no longer run. A pid that was
// given to another program since only delays it.
func removeStale(place string) {
	entries, err := os.ReadDir(place)
	if err != nil {
		return
	}
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), "run-")
		if !ok {
			continue
		}
		pid, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		// A folder of our own pid is an earlier container's: we are new.
		if pid == os.Getpid() || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(filepath.Join(place, e.Name())) // tried again by the next start
		}
	}
}

// remove takes the folder away at the end.
func (d *runDir) remove() { _ = os.RemoveAll(d.path) } // what stays is removed by the next start
