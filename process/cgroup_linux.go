package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drover-proxy/drover/internal/cgroupfs"
)

// The controllers that bounds need.
const (
	controlMemory = "memory"
	controlPIDs   = "pids"
	controlCPU    = "cpu"
)

var controllers = []string{controlMemory, controlPIDs, controlCPU}

// cgroups is where the control groups of programs are made: in a folder of this drover's within the
// group that drover runs in, so that what bounds drover bounds its workers.
type cgroups struct {
	once  sync.Once
	owner proc // drover

	bases map[string]string   // controller -> drover's folder there
	kinds map[string]int      // controller -> 1 or 2, the version of its hierarchy
	why   map[string]string   // controller -> why it cannot be used
	made  map[string]struct{} // all folders of drover's that were made, of use or not
	moved string              // version 2: the folder that drover was moved out of, "" when it was not
	heir  string              // version 2: the group of the drover that this one takes over from, "" when there is none

	mu      sync.Mutex
	number  int
	pending []string // folders that could not be removed yet
	retry   *time.Timer
	closed  bool
}

// open finds out which controllers can be used, the first time it is called: only pools with limits need them.
func (c *cgroups) open(owner proc) {
	c.once.Do(func() {
		c.owner, c.bases, c.kinds, c.why = owner, make(map[string]string), make(map[string]int), make(map[string]string)
		c.made = make(map[string]struct{})
		found, err := cgroupfs.Own()
		if err != nil {
			for _, name := range controllers {
				c.why[name] = err.Error()
			}
			return
		}
		for _, name := range controllers {
			c.openOne(name, found)
		}
	})
}

func (c *cgroups) openOne(name string, found cgroupfs.Groups) {
	group, ok := found.V1[name]
	folder := group.Folder
	switch {
	case ok:
		c.kinds[name] = 1
	case found.V2.Folder != "":
		if folder, ok = besideLegacy(found.V2.Folder); ok {
			c.heir = found.V2.Folder
		}
		c.kinds[name] = 2
	default:
		c.why[name] = "no control groups are mounted"
		return
	}
	base := filepath.Join(folder, fmt.Sprintf("drover-%d-%d", c.owner.pid, c.owner.start))
	removeStaleGroups(folder)
	if err := os.Mkdir(base, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		c.why[name] = "control groups cannot be made: " + plain(err)
		return
	}
	c.made[base] = struct{}{}
	if c.kinds[name] == 2 {
		if err := c.delegate(name, folder, base); err != nil {
			c.why[name] = "the controller cannot be used: " + plain(err)
			return
		}
	}
	c.bases[name] = base
}

// mainGroup is where drover and its helpers run once they were moved.
const mainGroup = "main"

// besideLegacy returns where to make drover's folder: in its own group, or, for
// one that takes over from a drover that has moved, where that one's folder is.
func besideLegacy(own string) (folder string, legacy bool) {
	base := filepath.Dir(own)
	if _, ok := ownerOf(filepath.Base(base)); ok && filepath.Base(own) == mainGroup {
		return filepath.Dir(base), true
	}
	return own, false
}

// ownerOf returns the drover that has made a folder.
func ownerOf(base string) (identity, bool) {
	rest, ok := strings.CutPrefix(base, "drover-")
	pid, start, both := strings.Cut(rest, "-")
	id, err := parseIdentity(pid, start)
	return id, ok && both && err == nil
}

// plain is the system's word without the path, which says nothing to whom it is shown.
func plain(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// delegate switches a controller of version 2 on for the groups below base. Where that needs the
// group in which drover runs to be empty of processes, drover and its children move into one below.
func (c *cgroups) delegate(name, folder, base string) error {
	have, err := os.ReadFile(filepath.Join(folder, "cgroup.controllers"))
	if err != nil {
		return err
	}
	if !contains(have, name) {
		return fmt.Errorf("%s is not among the controllers of %s", name, folder)
	}
	main := filepath.Join(base, mainGroup)
	if c.heir != "" && c.moved == "" { // the legacy's group goes when that ends
		if err := c.moveInto(main, c.heir, false); err != nil {
			return err
		}
		c.moved = folder
	}
	err = writeControl(folder, "cgroup.subtree_control", "+"+name)
	if err != nil && c.moved == "" {
		if err := c.moveInto(main, folder, true); err != nil {
			return err
		}
		c.moved = folder
		err = writeControl(folder, "cgroup.subtree_control", "+"+name)
	}
	if err != nil {
		return err
	}
	return writeControl(base, "cgroup.subtree_control", "+"+name)
}

// moveInto moves drover and what it has started out of a group; where they are to
// be the only ones in it, it does nothing when others are there, too.
func (c *cgroups) moveInto(to, from string, alone bool) error {
	t, err := readTable()
	if err != nil {
		return err
	}
	ours := search{table: t, view: viewpoint{session: -1}, found: make(map[int]struct{})}
	ours.add(t.procs[c.owner.pid])
	ours.sessions, ours.grown = nil, false // not all of a terminal's programs are ours
	ours.spread()
	pids := groupMembers(from)
	others := slices.ContainsFunc(pids, func(pid int) bool { return !ours.has(pid) })
	if others && alone {
		return errors.New("other programs run in drover's control group; start drover in one of its own (systemd: Delegate=yes)")
	}
	if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, pid := range pids {
		if !ours.has(pid) {
			continue
		}
		if err := writeControl(to, "cgroup.procs", strconv.Itoa(pid)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// close removes what is left of the folders.
func (c *cgroups) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.retry != nil {
		c.retry.Stop()
	}
	c.cleanLocked()
	for base := range c.made {
		if c.moved != "" && filepath.Dir(base) == c.moved {
			c.moveBackLocked(base)
		}
		_ = os.Remove(base) // with a process in it that nothing can end it stays, and the next drover removes it
		removeStaleGroups(filepath.Dir(base))
	}
}

// moveBackLocked undoes what delegate did.
func (c *cgroups) moveBackLocked(base string) {
	main := filepath.Join(base, mainGroup)
	for _, name := range controllers {
		_ = writeControl(base, "cgroup.subtree_control", "-"+name) // not switched on
		_ = writeControl(c.moved, "cgroup.subtree_control", "-"+name)
	}
	for _, pid := range groupMembers(main) {
		_ = writeControl(c.moved, "cgroup.procs", strconv.Itoa(pid)) // ended meanwhile
	}
	_ = os.Remove(main)
}

// remove takes folders away in which nothing runs any more. The kernel may need a moment.
func (c *cgroups) remove(folders []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, folders...)
	c.cleanLocked()
}

func (c *cgroups) cleanLocked() {
	const again = 20 * time.Millisecond
	left := c.pending[:0]
	for _, folder := range c.pending {
		if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = append(left, folder)
		}
	}
	c.pending = left
	if len(left) == 0 || c.closed {
		return
	}
	if c.retry == nil {
		c.retry = time.AfterFunc(again, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if !c.closed {
				c.cleanLocked()
			}
		})
		return
	}
	c.retry.Reset(again)
}

// removeStaleGroups removes what drovers have left that were killed together with their guardian.
func removeStaleGroups(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		id, ok := ownerOf(e.Name())
		if !ok {
			continue
		}
		if p, alive := readProc(id.pid); alive && p.start == id.start {
			continue
		}
		removeGroups(filepath.Join(folder, e.Name()))
	}
}

// removeGroups removes a folder and those below it, as far as nothing runs in them.
func removeGroups(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			removeGroups(filepath.Join(folder, e.Name()))
		}
	}
	_ = os.Remove(folder) // in use
}

// groupMembers are the pids of a group.
func groupMembers(folder string) []int {
	text, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
	if err != nil {
		return nil // it is gone
	}
	var pids []int
	for line := range bytes.Lines(text) {
		if pid, err := strconv.Atoi(string(bytes.TrimSpace(line))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// writeControl writes to a file that the kernel made.
func writeControl(folder, file, value string) error {
	f, err := os.OpenFile(filepath.Join(folder, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func contains(words []byte, word string) bool {
	for field := range bytes.FieldsSeq(words) {
		if string(field) == word {
			return true
		}
	}
	return false
}
