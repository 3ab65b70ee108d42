package config

import (
	"os"
	"path/filepath"
)

// confine checks what workers are held to.
func (v *validator) confine(key string, p *Pool) {
	if len(p.Command) == 0 {
		v.unconfined(key, p)
		return
	}
	v.account(key+".security", p.Security)
	if p.Security.NoNewPrivileges {
		switch filepath.Base(p.Command[0]) {
		case "sudo", "doas", "pkexec":
			v.fault(key+".command[0]", filepath.Base(p.Command[0])+" cannot work with security.noNewPrivileges", "use security.user in its place, or set security.noNewPrivileges: false")
		}
	}
}

// unconfined refuses what would be ignored in a pool without workers.
func (v *validator) unconfined(key string, p *Pool) {
	const problem, remedy = "the pool has no command, and only workers are held to it", "remove it"
	if p.Resources != (Resources{}) {
		v.fault(key+".resources", problem, remedy)
	}
	if s := p.Security; s.User != "" || s.Group != "" {
		v.fault(key+".security", problem, remedy)
	}
}

func (v *validator) account(key string, s Security) {
	at := key + ".user"
	if s.User == "" {
		at = key + ".group"
	}
	a, err := s.Account()
	switch {
	case err != nil:
		v.fault(at, err.Error(), "make it, or name another")
	case a == nil || os.Geteuid() == 0:
	case (a.UID >= 0 && a.UID != os.Geteuid()) || a.GID != os.Getegid():
		v.fault(at, "only root can run workers as somebody else", "run drover as root, or remove it")
	}
}
