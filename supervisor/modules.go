package supervisor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// modulesFor returns what the preload is told of security.modules; "" where there
// is nothing that may not be loaded. It is an error if the worker could not be
// given the preload.
func modulesFor(pool string, cfg *config.Pool, preload string) (string, error) {
	m := cfg.Security.Modules
	if !m.Restricted() {
		return "", nil
	}
	if preload == "" {
		return "", fmt.Errorf("security.modules of pool %s cannot be enforced: the program cannot read what drover has it load, because its command changes the user or restricts what it reads, or because the file was removed", pool)
	}
	if ignoresEnvironment(cfg.Command) {
		return "", fmt.Errorf("security.modules of pool %s cannot be enforced: options of its command (-I, -E or -S) have Python ignore what drover has it load; leave them out", pool)
	}
	text, err := json.Marshal(struct {
		Pool  string   `json:"pool"`
		Allow []string `json:"allow"`
		Deny  []string `json:"deny"`
	}{pool, append([]string{}, m.Allow...), append([]string{}, m.Deny...)})
	return string(text), err
}

// ignoresEnvironment reports whether a command has Python load neither what
// PYTHONPATH names nor sitecustomize.
func ignoresEnvironment(command []string) bool {
	if !strings.HasPrefix(filepath.Base(command[0]), "python") {
		return false
	}
	for i := 1; i < len(command); i++ {
		flags, ok := strings.CutPrefix(command[i], "-")
		if !ok || flags == "" {
			return false // the program itself
		}
		if strings.HasPrefix(flags, "-") {
			continue
		}
		// -c and -m end the options; -W and -X take the rest, or what follows.
		end := strings.IndexAny(flags, "cmWX")
		if end < 0 {
			end = len(flags)
		}
		if strings.ContainsAny(flags[:end], "IES") {
			return true
		}
		switch rest := flags[end:]; {
		case rest == "W" || rest == "X":
			i++
		case strings.IndexAny(rest, "cm") == 0:
			return false
		}
	}
	return false
}

// giveModules has Node.js, Bun and Python refuse what may not be loaded.
func (w identity) giveModules(vars map[string]string) {
	if w.Modules == "" {
		return
	}
	vars["DROVER_MODULES"] = w.Modules
	folder := filepath.Join(filepath.Dir(w.Preload), "python")
	if own := vars["PYTHONPATH"]; own != "" {
		folder += string(os.PathListSeparator) + own
	}
	vars["PYTHONPATH"] = folder
}
