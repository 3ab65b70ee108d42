package process

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What each version of Landlock has brought.
const (
	landlockRefer    = 2 // moving files between folders
	landlockTruncate = 3
	landlockTCP      = 4
	landlockIoctl    = 5 // of devices
	landlockScopes   = 6 // signals and abstract Unix sockets
)

const (
	accessRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE
	// accessFile is what can be allowed for a file that is no folder.
	accessFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	accessFirst = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // all of version 1
	// accessDevices would let root open any disk by a device of its own making.
	accessDevices = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
)

// landlockVersion is what the kernel has, 0 when it has none or it is switched off.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// landlockAll are the accesses that a version can deny.
func landlockAll(version int) uint64 {
	all := uint64(accessFirst)
	if version >= landlockRefer {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= landlockTruncate {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= landlockIoctl {
		all |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return all
}

// ruleset is a Landlock ruleset that is being made.
type ruleset struct {
	fd      int
	version int
	all     uint64
	inert   []string // folders and files of which nothing is executed
}

// restrict confines this thread and what it becomes to the sandbox. no_new_privs must be set. The
// path at which it failed is returned.
func (b *Sandbox) restrict(version int) (at string, err error) {
	r := ruleset{version: version, all: landlockAll(version)}
	if err := r.open(b.Strict); err != nil {
		return "", err
	}
	defer unix.Close(r.fd)
	if at, err := r.allowFiles(b); err != nil {
		return at, err
	}
	if version >= landlockTCP && b.Port > 0 {
		if err := r.allowBind(b.Port); err != nil {
			return fmt.Sprintf("port %d", b.Port), err
		}
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0); errno != 0 {
		return "", errno
	}
	return "", nil
}

func (r *ruleset) open(strict bool) error {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: r.all}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if r.version >= landlockTCP {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP
		size += unsafe.Sizeof(attr.Handled_access_net)
	}
	if r.version >= landlockScopes {
		size += unsafe.Sizeof(attr.Scoped)
		if strict {
			attr.Scoped = unix.LANDLOCK_SCOPE_SIGNAL | unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		}
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return errno
	}
	r.fd = int(fd)
	return nil
}

func (r *ruleset) allowFiles(b *Sandbox) (at string, err error) {
	const use = accessRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	change := r.all &^ accessDevices
	system, etc := systemPaths, []string{"/etc"}
	if b.Strict {
		etc = etcPaths
		change &^= unix.LANDLOCK_ACCESS_FS_EXECUTE
		r.inert = resolved(b.Write)
	}
	for _, group := range []struct {
		paths   []string
		access  uint64
		missing bool // may be
	}{
		{slices.Concat(system, etc), accessRead, true},
		{devicePaths, use, true},
		{b.Read, accessRead, false},
		{b.Write, change, false},
	} {
		for _, path := range group.paths {
			err := r.allowAll(path, group.access)
			if err != nil && (!group.missing || !errors.Is(err, fs.ErrNotExist)) {
				return path, err
			}
		}
	}
	if !b.Strict {
		for _, path := range tempPaths {
			if err := r.allow(path, change); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return path, err
			}
		}
	}
	return "", nil
}

// allow adds a rule for a file, or a folder and all that is in it.
func (r *ruleset) allow(path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= accessFile
	}
	// The kernel packs the structure: 8 and 4 bytes.
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access & r.all, Parent_fd: int32(fd)}
	return r.add(unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&attr))
}

func (r *ruleset) allowBind(port int) error {
	const ruleNetPort = 2
	attr := struct{ allowed, port uint64 }{unix.LANDLOCK_ACCESS_NET_BIND_TCP, uint64(port)}
	return r.add(ruleNetPort, unsafe.Pointer(&attr))
}

func (r *ruleset) add(kind uintptr, attr unsafe.Pointer) error {
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), kind, uintptr(attr), 0, 0, 0); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}
