package process

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/mountinfo"
)

// ownProc puts a /proc in place that shows the PID namespace of this process. The mount namespace
// must be its own, too: what is mounted in it stays in it, and what is mounted outside shows up here.
func ownProc() error {
	const proc = "/proc"
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	// Containers cover parts of theirs, such as /proc/kcore, for good reason.
	covers, err := coversOf(proc)
	if err != nil {
		return err
	}
	// Below another the old one would still be there, for who may unmount. Where it cannot be removed
	// nobody in here can uncover it either.
	_ = unix.Unmount(proc, unix.MNT_DETACH)
	if err := unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	for _, c := range covers {
		if err := unix.MoveMount(c.fd, "", unix.AT_FDCWD, c.path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return err
		}
	}
	return nil
}

// cover is a copy of a mount that is in no place yet.
type cover struct {
	path string
	fd   int
}

// coversOf copies what is mounted below a folder, the outer ones first.
func coversOf(folder string) ([]cover, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var covers []cover
	for line := range strings.Lines(string(text)) {
		m, ok := mountinfo.Parse(line)
		name, below := strings.CutPrefix(m.Point, folder+"/")
		if !ok || !below || slices.ContainsFunc(covers, func(c cover) bool { return c.path == m.Point }) {
			continue
		}
		first, _, _ := strings.Cut(name, "/")
		if _, err := strconv.Atoi(first); err == nil {
			continue // of a process, which is not in here
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, m.Point, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_NO_AUTOMOUNT)
		if err != nil {
			return nil, err
		}
		covers = append(covers, cover{m.Point, fd})
	}
	return covers, nil
}
