package config

import (
	"crypto/sha256"
	"os"
	"sort"
	"strings"
)

// given are the variables that drover sets for each worker; a value in the
// settings would never reach it.
var given = map[string]bool{
	"PORT": true, "HOST": true, "SOCKET": true, "NOTIFY_SOCKET": true, "NODE_CHANNEL_FD": true, "NODE_CHANNEL_SERIALIZATION_MODE": true,
	"DROVER_WORKER_ID": true, "DROVER_POOL": true, "DROVER_SLOT": true, "DROVER_GENERATION": true, "DROVER_IPC_FD": true,
	"DROVER_IPC_SOCKET": true, "DROVER_IPC_KEY": true,
	"DROVER_PORT": true, "DROVER_SOCKET": true, "DROVER_RUNTIME": true, "DROVER_MODULES": true,
}

// command checks what workers are started with, as far as it can be seen
// without starting one.
func (v *validator) command(key string, p *Pool) {
	v.env(key+".env", p.Env)
	path := os.Getenv("PATH")
	if p.EnvFile != "" {
		path = v.envFile(key+".envFile", p, path)
	}
	if own, ok := p.Env["PATH"]; ok {
		path = own
	}
	if info, err := os.Stat(p.Directory); err != nil || !info.IsDir() {
		problem := quote(p.Directory) + " does not exist"
		if err == nil {
			problem = quote(p.Directory) + " is not a folder"
		}
		v.fault(key+".directory", problem, "make it, or name another; it is relative to the folder drover is started in")
		return
	}
	v.argv(key+".command", p.Command, p.Directory, path)
	v.argv(key+".healthCheck.command", p.HealthCheck.Command, p.Directory, path)
}

func (v *validator) env(key string, env map[string]string) {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		at := join(key, name)
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			v.fault(at, quote(name)+" is no good as the name of a variable", "use letters, digits and _")
		case given[name]:
			v.fault(at, name+" is set by drover for each worker", "remove it; the worker finds its own value in it")
		case strings.ContainsRune(env[name], 0):
			v.fault(at, "the value has a NUL character", "remove it")
		}
	}
}

// envFile checks the file and returns the PATH
// that holds with it.
func (v *validator) envFile(key string, p *Pool, path string) string {
	vars, err := ReadEnvFile(p.EnvFile)
	if err != nil {
		v.fault(key, err.Error(), "correct or remove it; it is relative to the folder drover is started in")
		return path
	}
	for _, entry := range vars {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	return path
}

// sumEnvFiles notes what each pool's envFile holds. A file that cannot be read
// is found by validate.
func (c *Config) sumEnvFiles() {
	for _, p := range c.Pools {
		if p.EnvFile == "" {
			continue
		}
		if vars, err := ReadEnvFile(p.EnvFile); err == nil {
			p.envFileSum = sha256.Sum256([]byte(strings.Join(vars, "\x00")))
		}
	}
}

func (v *validator) argv(key string, argv []string, directory, path string) {
	if len(argv) == 0 {
		return
	}
	for i, arg := range argv {
		if strings.ContainsRune(arg, 0) {
			v.fault(index(key, i), "has a NUL character", "remove it")
			return
		}
	}
	if !strings.Contains(argv[0], "${") { // else known only when a worker starts
		v.refuse(index(key, 0), checkExecutable(argv[0], directory, path))
	}
}
