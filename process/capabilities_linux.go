package process

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// keptCapabilities are those that root keeps in a sandbox: by the others it reaches what is no file
// and no process of its own, such as the machine's network and its devices.
var keptCapabilities = []uintptr{unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER, unix.CAP_FSETID,
	unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_NET_BIND_SERVICE}

// boundCapabilities takes the others from what this thread becomes. Whoever may not do that is not
// root, and has none, or is root in a container that has few to begin with.
func boundCapabilities() error {
	const most = 63
	for capability := range uintptr(most) {
		if slices.Contains(keptCapabilities, capability) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) { // the kernel has no more
			break
		}
		if err != nil {
			return err
		}
	}
	// What is inheritable comes on top of that.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	return unix.Capset(&header, &data[0])
}
