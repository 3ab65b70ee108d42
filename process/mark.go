package process

import "bytes"

// mark recognises a descendant that shares neither ancestors nor session with its root any more,
// by the environment it was started with.
type mark struct {
	id     string // DROVER_WORKER_ID; empty: nothing is recognised
	notify string // NOTIFY_SOCKET, empty when there was none
	port   string // PORT
	socket string // SOCKET
}

func markOf(s Spec) mark {
	var m mark
	if s.ID == "" {
		return m
	}
	m.id = s.ID
	m.notify, _ = s.getenv("NOTIFY_SOCKET")
	m.port, _ = s.getenv("PORT")
	m.socket, _ = s.getenv("SOCKET")
	return m
}

// named reports whether the environment carries the worker id. That is enough for a process that
// was re-parented to this drover.
func (m mark) named(environ []byte) bool {
	id, ok := variable(environ, "DROVER_WORKER_ID")
	return ok && m.id != "" && string(id) == m.id
}

// proven reports whether the environment also carries something that another drover on this machine,
// whose workers may have the same ids, did not give: the notify socket, which lies in a folder of
// this run, or, where the application took that away (sd_notify does on request), the address.
func (m mark) proven(environ []byte) bool {
	if !m.named(environ) {
		return false
	}
	notify, given := variable(environ, "NOTIFY_SOCKET")
	if given && m.notify != "" {
		return string(notify) == m.notify
	}
	port, _ := variable(environ, "PORT")
	socket, _ := variable(environ, "SOCKET")
	return m.port+m.socket != "" && string(port) == m.port && string(socket) == m.socket
}

// variable returns the value of a name in the text of /proc/PID/environ.
func variable(environ []byte, name string) ([]byte, bool) {
	for len(environ) > 0 {
		entry, rest, _ := bytes.Cut(environ, []byte{0})
		if len(entry) > len(name) && entry[len(name)] == '=' && string(entry[:len(name)]) == name {
			return entry[len(name)+1:], true
		}
		environ = rest
	}
	return nil, false
}
