package process

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A filter is a program of the kernel's packet filter that looks at each system call. The library
// elastic/go-seccomp-bpf lets every call of another architecture pass, such as those of 32-bit
// programs, which undoes a list of what is denied; so it is put together here.

// Offsets in struct seccomp_data.
const (
	dataNumber = 0
	dataArch   = 4
	dataArgs   = 16 // the low half of the first; our machines are little-endian
	dataSecond = 24
)

const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET

// denied are system calls that no worker needs, and that reach beyond it.
var denied = []uint32{
	// File systems and namespaces.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_OPEN_TREE_ATTR, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSCONFIG, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	// The kernel itself.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE,
	unix.SYS_DELETE_MODULE, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER,
	unix.SYS_IO_URING_REGISTER, unix.SYS_USERFAULTFD, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_REBOOT,
	// The machine's clock and name.
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
}

// families are the kinds of sockets that a strict sandbox leaves.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// seccompWorks reports whether the kernel takes filters and this architecture is known here.
func seccompWorks() bool {
	if auditArch == 0 {
		return false
	}
	// With a bad address a kernel that has filters says EFAULT.
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0, 0, 0, 0)
	return errno == unix.EFAULT
}

// filter makes the program.
func filter(strict bool) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(test uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	answer := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	refuse := func(errno unix.Errno) unix.SockFilter { return answer(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

	f := []unix.SockFilter{load(dataArch), jump(unix.BPF_JEQ, auditArch, 1, 0), refuse(unix.ENOSYS), load(dataNumber)}
	if foreignCalls != 0 {
		f = append(f, jump(unix.BPF_JGE, foreignCalls, 0, 1), refuse(unix.ENOSYS))
	}
	for _, call := range append(denied[:len(denied):len(denied)], deniedHere...) {
		f = append(f, jump(unix.BPF_JEQ, call, 0, 1), refuse(unix.EPERM))
	}
	// Its flags are in memory, where a filter cannot look; C libraries and Go then use clone.
	f = append(f, jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), refuse(unix.ENOSYS))
	f = append(f, jump(unix.BPF_JEQ, unix.SYS_CLONE, 0, 4), load(dataArgs), jump(unix.BPF_JSET, namespaces, 0, 1), refuse(unix.EPERM), answer(unix.SECCOMP_RET_ALLOW))
	// By these a program types at the terminal that somebody else sits at.
	f = append(f, jump(unix.BPF_JEQ, unix.SYS_IOCTL, 0, 5), load(dataSecond), jump(unix.BPF_JEQ, unix.TIOCSTI, 1, 0), jump(unix.BPF_JEQ, unix.TIOCLINUX, 0, 1), refuse(unix.EPERM), answer(unix.SECCOMP_RET_ALLOW))
	if strict {
		n := uint8(len(families))
		f = append(f, jump(unix.BPF_JEQ, unix.SYS_SOCKET, 0, n+2), load(dataArgs))
		for i, family := range families {
			f = append(f, jump(unix.BPF_JEQ, family, n-uint8(i), 0))
		}
		f = append(f, refuse(unix.EAFNOSUPPORT))
	}
	return append(f, answer(unix.SECCOMP_RET_ALLOW))
}

// install puts a filter on this thread and what it becomes. no_new_privs must be set.
func install(f []unix.SockFilter) error {
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
