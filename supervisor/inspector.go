package supervisor

import (
	"net"
	"strconv"
	"strings"
)

// giveInspector has Node.js and Bun listen for a debugger, unless the user has
// them do so already. To other programs these variables mean nothing.
func (w identity) giveInspector(vars map[string]string) {
	if w.Inspector == 0 {
		return
	}
	if !strings.Contains(vars["NODE_OPTIONS"], "--inspect") {
		vars["NODE_OPTIONS"] = strings.TrimSpace(vars["NODE_OPTIONS"] + " --inspect=" + w.inspector().at)
	}
	if _, ok := vars["BUN_INSPECT"]; !ok {
		vars["BUN_INSPECT"] = "ws://" + w.inspector().at + "/" + w.ID
	}
}

// inspector is where the worker listens for a debugger.
func (w identity) inspector() address {
	return address{"tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.Inspector))}
}

// inspected returns where a process that has started listens for a debugger; ""
// where it does not: it is neither Node.js nor Bun.
func (e *equipment) inspected(p proc) string {
	if e.who.Inspector == 0 {
		return ""
	}
	place := e.who.inspector()
	if _, owned, err := p.OwnsListener(place.network, place.at); err != nil || !owned {
		return ""
	}
	return place.at
}
