package process

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// hold decides how the bounds are kept on this machine: what the shim is to do, and what will hold.
func (s *Spawner) hold(b Bounds) (holding, []Held) {
	h := holding{OpenFiles: uint64(max(b.OpenFiles, 0)), OOMScore: b.OOMScore, NoNewPrivileges: b.NoNewPrivileges, Account: b.Account}
	var held []Held
	keep := func(bound string, wanted bool) {
		if wanted {
			held = append(held, Held{Bound: bound, Level: LevelKernel})
		}
	}
	keep(BoundOpenFiles, b.OpenFiles > 0)
	keep(BoundAccount, b.Account != nil)
	keep(BoundNoNewPrivileges, b.NoNewPrivileges)
	return h, held
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
	return "", nil
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
	return "", nil
}

func (a *Account) become() error {
	if err := syscall.Setgroups(a.Groups); err != nil {
		return err
	}
	if err := syscall.Setresgid(a.GID, a.GID, a.GID); err != nil {
		return err
	}
	if err := syscall.Setresuid(a.UID, a.UID, a.UID); err != nil {
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
