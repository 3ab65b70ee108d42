package process

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// guardLimit bounds how long the guardian tries to end what drover has left. Only processes in
// uninterruptible sleep take longer than a moment.
const guardLimit = 10 * time.Second

// guardianMain is the guardian: it waits until drover ends and kills the trees that it was told of
// and not told to forget. The argument is drover's session.
//
// Drover's children and their descendants are re-parented to init by then and may die meanwhile of
// their own, so the way from parent to child is no guide; sessions are, with the members that were
// noted while drover lived, and the mark in the environment.
func guardianMain(arg string) {
	// A terminal, a service manager or an operator means drover, which will tell us.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1,
		syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	session, err := strconv.Atoi(arg)
	if err != nil {
		syscall.Exit(2)
	}
	debug.FreeOSMemory() // what the initialisation of drover's other packages has left

	w := newWard(session)
	// syscall.Exit: in a build with the race detector os.Exit takes a second.
	if w.listen(bufio.NewReaderSize(pipeReader(3), 512)) {
		w.kill()
	}
	syscall.Exit(0)
}

// pipeReader reads a descriptor without the poller and its thread.
type pipeReader int

func (fd pipeReader) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		if err == syscall.EINTR {
			continue
		}
		if n == 0 && err == nil {
			err = io.EOF
		}
		return max(n, 0), err
	}
}

// ward is what the guardian guards.
type ward struct {
	session int
	roots   map[identity]*root
	groups  map[identity][]string // folders of their control groups
	bases   map[string]struct{}   // folders that all of these were made in
}

func newWard(session int) *ward {
	return &ward{session: session, roots: make(map[identity]*root), groups: make(map[identity][]string), bases: make(map[string]struct{})}
}

// listen follows drover's notices until the pipe closes; false when drover ended in order.
func (w *ward) listen(r *bufio.Reader) (killed bool) {
	for {
		n, err := readNotice(r)
		if errors.Is(err, errNotice) {
			continue
		}
		if err != nil {
			return true
		}
		if n.verb == noticeQuit {
			return false
		}
		w.apply(n)
	}
}

func (w *ward) apply(n notice) {
	switch n.verb {
	case noticeAdd:
		w.roots[n.root] = newRoot(n.root, mark{id: n.extra[0], notify: n.extra[1], port: n.extra[2], socket: n.extra[3]})
	case noticeRemove:
		delete(w.roots, n.root)
		delete(w.groups, n.root)
	case noticeGroup:
		w.guardGroup(n)
	case noticeMember:
		member, err := parseIdentity(n.extra[0], n.extra[1])
		if r := w.roots[n.root]; r != nil && err == nil {
			r.known[member] = struct{}{}
		}
	}
}

func (w *ward) guardGroup(n notice) {
	var folders []string
	for _, folder := range n.extra {
		if folder != "" {
			folders = append(folders, folder)
			w.bases[filepath.Dir(folder)] = struct{}{}
		}
	}
	w.groups[n.root] = folders
}

// removeGroups takes the control groups away, in which nothing runs any more; the kernel may need a moment.
func (w *ward) removeGroups() {
	deadline := time.Now().Add(time.Second)
	for base := range w.bases {
		for removeGroups(base); time.Now().Before(deadline); removeGroups(base) {
			if _, err := os.Stat(base); err != nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (w *ward) kill() {
	numbers := make(map[int]int) // how many roots have a pid
	for id := range w.roots {
		numbers[id.pid]++
	}
	killTree(time.Now().Add(guardLimit), func() []proc {
		t, err := readTable()
		if err != nil {
			return nil
		}
		environs := make(map[int][]byte) // read once, not once for each root
		environ := func(pid int) []byte {
			text, ok := environs[pid]
			if !ok {
				text = readEnviron(pid)
				environs[pid] = text
			}
			return text
		}
		var members []proc
		for id, r := range w.roots {
			for _, folder := range w.groups[id] {
				for _, pid := range groupMembers(folder) {
					if m, ok := t.procs[pid]; ok {
						r.known[identity{m.pid, m.start}] = struct{}{}
					}
				}
			}
			members = append(members, r.members(t, viewpoint{
				session: w.session, environ: environ,
				taken: func(number int) bool {
					holders := numbers[number]
					if number == id.pid {
						holders--
					}
					return holders > 0
				},
			})...)
		}
		return members
	})
	w.removeGroups()
}
