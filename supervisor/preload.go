package supervisor

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drover-proxy/drover/config"
)

// preload is what Node.js and Bun load ahead of a worker's program.
//
//go:embed preload
var preload embed.FS

// runtimeInterval is how often Node.js and Bun tell drover of their event loop
// and heap.
const runtimeInterval = time.Second

// WritePreload writes what Node.js and Bun load ahead of a worker's program into
// a folder below dir, and returns the path for Options.Preload.
func WritePreload(dir string) (string, error) {
	if err := os.CopyFS(dir, preload); err != nil {
		return "", fmt.Errorf("write what Node.js and Bun load ahead of a worker's program: %w", err)
	}
	return filepath.Join(dir, "preload", "preload.cjs"), nil
}

// preloadFor returns the preload at path if a worker of this pool is to have it,
// else "", and whether it moves servers from the port to the socket. A program
// that cannot read the file would not start at all.
func preloadFor(path string, cfg *config.Pool) (preload string, moves bool) {
	auto := cfg.Transport == "auto"
	if path == "" || !auto && !cfg.Security.Modules.Restricted() || slices.ContainsFunc(cfg.Command, changesUser) {
		return "", false
	}
	if _, err := os.Stat(path); err != nil { // somebody has tidied up
		return "", false
	}
	return path, auto && cfg.HealthCheck.Type != "exec" // its command may look for the worker at the port
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
	// With restrictions Node.js rather does not start than without them.
	if w.Preload == "" || w.Modules == "" && changesUser(vars["NODE_OPTIONS"]) {
		return
	}
	for name, option := range map[string]string{"NODE_OPTIONS": "--require=", "BUN_OPTIONS": "--preload="} {
		option += w.Preload
		if strings.ContainsAny(option, ` \"`) {
			option = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(option) + `"`
		}
		vars[name] = strings.TrimSpace(vars[name] + " " + option)
	}
	if w.Moves {
		vars["DROVER_PORT"], vars["DROVER_SOCKET"] = strconv.Itoa(w.Port), w.Socket
	}
	if w.Channel {
		vars["DROVER_RUNTIME"] = strconv.FormatInt(runtimeInterval.Milliseconds(), 10)
	}
	w.giveModules(vars)
}
