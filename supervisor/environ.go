package supervisor

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// channelFD is the descriptor at which a worker finds its message channel.
const channelFD = 3

// identity is what a worker is told about itself.
type identity struct {
	ID, Pool         string
	Slot, Generation int
	Port             int    // 0: none
	Socket           string // "": none
	Transport        string // port, socket or auto
	Preload          string // what Node.js and Bun load ahead of the program; "": nothing
	Moves            bool   // Preload moves a server from Port to Socket
	Modules          string // what may be loaded, for Preload; "": everything
	NotifySocket     string // "": none
	Channel          bool   // descriptor 3 is its message channel
	LinkSocket       string // the same for programs that do not inherit it; "": none
	LinkKey          string // opens LinkSocket, once
	Executable       string // of drover
	Inspector        int    // the port at which it listens for a debugger; 0: none
	Memory           uint64 // bytes that it may use; 0: no limit
}

// environ computes a worker's environment from scratch, so that a key that was
// removed from the settings is gone from the next start: drover's own (less what
// is secret or was meant for drover alone), the home of the user that it runs as
// where that is another one, the envFile, env, and what drover gives; the later wins.
func environ(inherited, secrets, file []string, env map[string]string, account *config.Account, who identity) []string {
	vars := make(map[string]string, len(inherited)+len(file)+len(env)+16)
	for _, kv := range inherited {
		name, value, ok := strings.Cut(kv, "=")
		if ok && name != "" && !private(name) && !slices.Contains(secrets, name) {
			vars[name] = value
		}
	}
	maps.Copy(vars, account.Environ())
	for _, kv := range file {
		if name, value, ok := strings.Cut(kv, "="); ok {
			vars[name] = value
		}
	}
	maps.Copy(vars, env)
	who.give(vars)
	out := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, name+"="+vars[name])
	}
	return out
}

// private reports whether a variable of drover's own environment was meant for
// drover alone: its token, and what a drover or another supervisor around it
// gave it as a worker.
func private(name string) bool {
	switch name {
	case "DROVER_ADMIN_TOKEN",
		"DROVER_WORKER_ID", "DROVER_POOL", "DROVER_SLOT", "DROVER_GENERATION", "DROVER_IPC_FD", "DROVER_IPC_SOCKET", "DROVER_IPC_KEY", "DROVER_PORT", "DROVER_SOCKET", "DROVER_RUNTIME", "DROVER_MODULES",
		"PORT", "HOST", "SOCKET", "NOTIFY_SOCKET", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE":
		return true
	}
	return false
}

// give sets what a worker is given (interface, section 3).
func (w identity) give(vars map[string]string) {
	set := func(name, value string) {
		if value == "" {
			delete(vars, name)
		} else {
			vars[name] = value
		}
	}
	if w.Transport == "socket" {
		set("PORT", w.Socket)
	} else {
		set("PORT", strconv.Itoa(w.Port))
		set("HOST", "127.0.0.1")
	}
	set("SOCKET", w.Socket)
	set("DROVER_WORKER_ID", w.ID)
	set("DROVER_POOL", w.Pool)
	set("DROVER_SLOT", strconv.Itoa(w.Slot))
	set("DROVER_GENERATION", strconv.Itoa(w.Generation))
	set("NOTIFY_SOCKET", w.NotifySocket)
	fd, mode := "", ""
	if w.Channel {
		fd, mode = strconv.Itoa(channelFD), "json"
	}
	set("DROVER_IPC_FD", fd)
	set("DROVER_IPC_SOCKET", w.LinkSocket)
	set("DROVER_IPC_KEY", w.LinkKey)
	set("NODE_CHANNEL_FD", fd)
	set("NODE_CHANNEL_SERIALIZATION_MODE", mode)
	w.givePreload(vars)
	w.giveMemory(vars)
	w.giveInspector(vars)
}

// argv returns the command with ${PORT}, ${SOCKET}, ${SLOT} and ${DROVER}
// replaced; anything else is left as it is.
func (w identity) argv(command []string) []string {
	port := strconv.Itoa(w.Port)
	if w.Transport == "socket" {
		port = w.Socket
	}
	r := strings.NewReplacer("${PORT}", port, "${SOCKET}", w.Socket, "${SLOT}", strconv.Itoa(w.Slot), "${DROVER}", w.Executable)
	out := make([]string, len(command))
	for i, arg := range command {
		out[i] = r.Replace(arg)
	}
	return out
}
