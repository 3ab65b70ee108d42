package process

import "golang.org/x/sys/unix"

// keptCapabilities are what a sandbox leaves to root: to deal with files and users of its own, and
// to listen on low ports. Others reach around it, such as CAP_MKNOD (a disk as a file of one's own),
// CAP_PERFMON (the environment and memory map of any process) and CAP_SYS_ADMIN.
const keptCapabilities = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID |
	1<<unix.CAP_KILL | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP | 1<<unix.CAP_NET_BIND_SERVICE

// dropCapabilities takes the others from this thread and what it becomes. no_new_privs must be set,
// or root would have them again after execve.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for i, kept := range []uint32{keptCapabilities, 0} {
		data[i].Effective &= kept
		data[i].Permitted &= kept
		data[i].Inheritable &= kept
	}
	return unix.Capset(&header, &data[0])
}
