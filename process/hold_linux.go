package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hold decides how the bounds are kept on this machine: what the shim is to do, and what will hold.
// The control group is nil when none is needed, or none can be had.
func (s *Spawner) hold(spec Spec, path string) (h holding, g *cgroup, held []Held) {
	b := spec.Bounds
	h = holding{OOMScore: b.OOMScore, NoNewPrivileges: b.NoNewPrivileges, Account: b.Account,
		Loopback: b.PrivateNetwork}
	keep := func(bound string, wanted bool) {
		if wanted {
			held = append(held, Held{Bound: bound, Level: LevelKernel})
		}
	}
	if b.OpenFiles > 0 {
		var one Held
		h.OpenFiles, one = openFiles(uint64(b.OpenFiles))
		held = append(held, one)
	}
	keep(BoundAccount, b.Account != nil)
	keep(BoundNoNewPrivileges, b.NoNewPrivileges)
	keep(BoundNetwork, b.PrivateNetwork)
	keep(BoundPIDs, b.PrivatePIDs)
	if b.Sandbox != nil {
		confined := *b.Sandbox
		confined.Read = slices.Concat(confined.Read, spec.installation(path))
		h.Sandbox, h.NoNewPrivileges = &confined, true
		h.Landlock, h.Seccomp = landlockVersion(), seccompWorks()
		held = append(held, heldSandbox(b.Sandbox, h.Landlock, h.Seccomp))
	}
	if b.Memory > 0 || b.CPU > 0 || b.Processes > 0 {
		s.groups.open(s.owner)
		var missing map[string]string
		g, missing = s.groups.make(spec.ID, b)
		if g != nil {
			h.Groups = g.entrances()
		}
		held = append(held, h.substitute(b, missing)...)
	}
	return h, g, held
}

// heldSandbox says what the kernel can do of a sandbox.
func heldSandbox(b *Sandbox, landlock int, seccomp bool) Held {
	var lacks []string
	if landlock == 0 {
		lacks = append(lacks, "it has no Landlock, or that is switched off: files and ports are not guarded")
	} else {
		for _, lack := range []struct {
			version int
			strict  bool
			what    string
		}{
			{landlockTruncate, false, "files that may only be read can be cut off"},
			{landlockTCP, false, "ports are not guarded"},
			{landlockIoctl, false, "control calls to devices are not guarded"},
			{landlockScopes, true, "signals and abstract Unix sockets are not guarded"},
		} {
			if landlock < lack.version && (b.Strict || !lack.strict) {
				lacks = append(lacks, fmt.Sprintf("its Landlock is version %d: %s", landlock, lack.what))
			}
		}
	}
	if !seccomp {
		lacks = append(lacks, "it takes no seccomp filters: system calls are not guarded")
	}
	h := Held{Bound: BoundSandbox, Level: LevelKernel}
	if len(lacks) > 0 {
		h.Level, h.Why = LevelPartial, "the kernel lacks something: "+strings.Join(lacks, "; ")
	}
	if landlock == 0 && !seccomp {
		h.Level = LevelNone
	}
	return h
}

// substitute finds what is to keep the bounds whose controllers are missing.
func (h *holding) substitute(b Bounds, missing map[string]string) []Held {
	var held []Held
	if b.Memory > 0 {
		one := Held{Bound: BoundMemory, Level: LevelKernel}
		if why, ok := missing[controlMemory]; ok {
			one.Level, one.Why = LevelSampled, why
		}
		held = append(held, one)
	}
	if b.CPU > 0 {
		one := Held{Bound: BoundCPU, Level: LevelKernel}
		if why, ok := missing[controlCPU]; ok {
			h.CPUs, h.Nice = (b.CPU+99)/100, modest
			one.Level, one.Why = LevelAdvisory, why+"; it runs with less priority, on as many CPUs as the limit needs"
		}
		held = append(held, one)
	}
	if b.Processes > 0 {
		one := Held{Bound: BoundProcesses, Level: LevelKernel}
		if why, ok := missing[controlPIDs]; ok {
			h.UserProcesses = uint64(b.Processes)
			one.Level, one.Why = LevelPerUser, why+"; it counts for all that the user runs"
			if h.asRoot() {
				one.Level, one.Why = LevelNone, why+", and nothing else bounds root; set security.user"
			}
		}
		held = append(held, one)
	}
	return held
}

// modest is how much a program whose CPU nothing bounds steps back behind others.
const modest = 5

// asRoot reports whether the program will run as root, whom the kernel's limits of a user do not bound.
func (h *holding) asRoot() bool {
	if h.Account != nil && h.Account.UID >= 0 {
		return h.Account.UID == 0
	}
	return os.Geteuid() == 0
}

// begin does what needs drover's own rights. On failure it says at what.
func (h *holding) begin() (what string, err error) {
	if h.OOMScore != 0 {
		if err := raiseOOMScore(h.OOMScore); err != nil {
			return "oomScore", err
		}
	}
	if h.OpenFiles > 0 {
		// The one of package syscall: it also keeps syscall.Exec from putting back what was before.
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: h.OpenFiles, Max: h.OpenFiles}); err != nil {
			return "maxOpenFiles", err
		}
	}
	if h.CPUs > 0 {
		if err := runOn(h.CPUs); err != nil {
			return "maxCpuPerWorker", err
		}
	}
	if h.Nice > 0 {
		if err := stepBack(h.Nice); err != nil {
			return "maxCpuPerWorker", err
		}
	}
	if h.Loopback {
		if err := loopbackUp(); err != nil {
			return "privateNetwork", err
		}
	}
	for _, entrance := range h.Groups {
		fd, err := unix.Open(entrance, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return "its control group", err
		}
		h.entrances = append(h.entrances, fd)
	}
	return "", nil
}

// stepBack makes this thread, which becomes the program, that much nicer than drover is.
func stepBack(by int) error {
	const ruder = 20 // the system call tells 20 less the niceness, so that it is never negative
	told, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, min(ruder-told+by, 19))
}

// runOn leaves the program that many of the CPUs it may use. Which ones the process number decides,
// so that workers spread.
func runOn(n int) error {
	var have, use unix.CPUSet
	if err := unix.SchedGetaffinity(0, &have); err != nil {
		return err
	}
	var cpus []int
	for cpu := range 8 * int(unsafe.Sizeof(have)) {
		if have.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if n >= len(cpus) {
		return nil
	}
	first := os.Getpid()
	for i := range n {
		use.Set(cpus[(first+i)%len(cpus)])
	}
	return unix.SchedSetaffinity(0, &use)
}

// enter joins the control groups. It is the last step, and made of bare system calls: what the
// group bounds may be too little for a Go program, which could not start a thread.
func (h *holding) enter() syscall.Errno {
	self := [1]byte{'0'}
	for _, fd := range h.entrances {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&self)), 1); errno != 0 {
			return errno
		}
	}
	return 0
}

// become changes the user and gives up what cannot be got back.
func (h *holding) become() (what string, err error) {
	if a := h.Account; a != nil {
		if err := a.become(); err != nil {
			return "user", err
		}
	}
	if h.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return "noNewPrivileges", err
		}
	}
	if h.UserProcesses > 0 { // after the user was changed, which the limit would have counted
		limit := syscall.Rlimit{Cur: h.UserProcesses, Max: h.UserProcesses}
		if err := syscall.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
			return "maxProcesses", err
		}
	}
	if h.Sandbox != nil {
		if err := dropCapabilities(); err != nil {
			return "sandbox (capabilities)", err
		}
	}
	if h.Landlock > 0 {
		if at, err := h.Sandbox.restrict(h.Landlock); err != nil {
			return strings.TrimSpace("sandbox " + at), err
		}
	}
	if h.Seccomp {
		if err := install(filter(h.Sandbox.Strict)); err != nil {
			return "sandbox (system calls)", err
		}
	}
	return "", nil
}

func (a *Account) become() error {
	if os.Geteuid() != 0 && (a.UID < 0 || a.UID == os.Geteuid()) && a.GID == os.Getegid() {
		return nil // drover's own, whose supplementary groups only root can set anew
	}
	if err := syscall.Setgroups(a.Groups); err != nil {
		return err
	}
	if err := syscall.Setresgid(a.GID, a.GID, a.GID); err != nil {
		return err
	}
	if err := syscall.Setresuid(a.UID, a.UID, a.UID); err != nil {
		return err
	}
	// What drover was given as another user than root (systemd: AmbientCapabilities=) stays with drover.
	err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if err != nil && !errors.Is(err, unix.EINVAL) { // before Linux 4.3
		return err
	}
	// Another user's process has lost the signal for the death of its parent.
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0)
}

// raiseOOMScore makes the kernel choose this process rather than drover.
func raiseOOMScore(by int) error {
	const path, most = "/proc/self/oom_score_adj", 1000
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	own, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strconv.Itoa(min(own+by, most))), 0)
}
