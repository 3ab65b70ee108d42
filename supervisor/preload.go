package supervisor

import (
	_ "embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// preload moves a server of Node.js or Bun from the port to the socket.
//
//go:embed preload.cjs
var preload []byte

// WritePreload writes what Node.js and Bun load ahead of a worker's program into
// the folder, and returns the path for Options.Preload.
func WritePreload(dir string) (string, error) {
	path := filepath.Join(dir, "preload.cjs")
	if err := os.WriteFile(path, preload, 0o644); err != nil {
		return "", fmt.Errorf("write what Node.js and Bun load ahead of a worker's program: %w", err)
	}
	return path, nil
}

// preloadFor returns the preload at path if a worker of this pool is to have it,
// else "". A program that cannot read the file would not start at all.
func preloadFor(path string, cfg *config.Pool) string {
	switch {
	case path == "" || cfg.Transport != "auto":
		return ""
	case cfg.HealthCheck.Type == "exec": // its command may look for the worker at the port
		return ""
	case slices.ContainsFunc(cfg.Command, changesUser):
		return ""
	}
	if _, err := os.Stat(path); err != nil { // somebody has tidied up
		return ""
	}
	return path
}

// changesUser reports whether an argument, which may be a line for a shell, has
// a program run as somebody who cannot look into drover's folder.
func changesUser(arg string) bool {
	return slices.ContainsFunc(strings.Fields(arg), func(word string) bool {
		switch path.Base(strings.Trim(word, `"';`)) {
		case "sudo", "su", "su-exec", "gosu", "doas", "runuser", "setpriv", "chroot", "setuidgid", "s6-setuidgid", "chpst":
			return true
		}
		// Node.js reads what it was permitted to.
		return strings.Contains(word, "--permission") || strings.Contains(word, "--experimental-permission")
	})
}

// givePreload has Node.js and Bun load the preload, after what the user has them
// load. To other programs these variables mean nothing.
func (w identity) givePreload(vars map[string]string) {
	if w.Preload == "" || changesUser(vars["NODE_OPTIONS"]) {
		return
	}
	for name, option := range map[string]string{"NODE_OPTIONS": "--require=", "BUN_OPTIONS": "--preload="} {
		option += w.Preload
		if strings.ContainsAny(option, ` \"`) {
			option = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(option) + `"`
		}
		vars[name] = strings.TrimSpace(vars[name] + " " + option)
	}
	vars["DROVER_PORT"], vars["DROVER_SOCKET"] = strconv.Itoa(w.Port), w.Socket
}
