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
	v.sandbox(key+".security", p.Security)
	if whole, err := filepath.Abs(p.Directory); p.Security.Confined() && err == nil && whole == "/" {
		v.fault(key+".directory", "is /, and workers in a sandbox may read all that is in it", "name the folder of the application")
	}
	if p.Security.PrivateNetwork && p.Transport != "socket" {
		v.fault(key+".security.privateNetwork", "drover cannot reach a port of a worker that has a network of its own", "add transport: socket to the pool, or remove it")
	}
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
	if r := p.Resources; r.MaxMemoryPerWorker > 0 || r.MaxCPUPerWorker > 0 || r.MaxOpenFiles > 0 || r.MaxProcesses > 0 {
		v.fault(key+".resources", problem, remedy)
	}
	if s := p.Security; s.User != "" || s.Group != "" || s.Confined() || s.PrivateNetwork || s.PrivatePIDs || len(s.ReadOnlyPaths)+len(s.WritablePaths) > 0 {
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

func (v *validator) sandbox(key string, s Security) {
	if s.Confined() && !s.NoNewPrivileges {
		v.fault(key+".noNewPrivileges", "a sandbox needs it", "set it to true, or sandbox: off")
	}
	for _, list := range []struct {
		key   string
		paths []string
	}{{key + ".readOnlyPaths", s.ReadOnlyPaths}, {key + ".writablePaths", s.WritablePaths}} {
		if !s.Confined() && len(list.paths) > 0 {
			v.fault(list.key, "has no effect without a sandbox", "add sandbox: standard, or remove it")
			continue
		}
		for i, path := range list.paths {
			if _, err := os.Stat(path); err != nil {
				v.fault(index(list.key, i), quote(path)+" does not exist", "make it, or remove it; it is relative to the folder drover is started in")
			}
		}
	}
	for i, path := range s.ReadOnlyPaths {
		for _, changed := range s.WritablePaths {
			if liesIn(path, changed) {
				v.fault(index(key+".readOnlyPaths", i), quote(path)+" may be changed all the same, since writablePaths has "+quote(changed),
					"name less in writablePaths, or remove it")
			}
		}
	}
}

// liesIn reports whether a path is that of the folder, or lies in it, whatever links there are.
func liesIn(path, folder string) bool {
	for _, p := range []*string{&path, &folder} {
		whole, err := filepath.Abs(*p)
		if err == nil {
			whole, err = filepath.EvalSymlinks(whole)
		}
		if err != nil { // which is a fault of its own
			return false
		}
		*p = whole
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}
