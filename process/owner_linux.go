package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// OwnsListener reports whether the tree holds the socket that a connection to the address reaches.
// The network is tcp, with an IP address and port, or unix, with a path.
//
// listening false: nobody listens yet, found in some tens of microseconds. owned false with
// listening true: somebody else does, also when it is one of several that share the port. An error
// with listening true: it could not be found out whose the socket is, for example because the
// program runs as another user and drover not as root.
func (p *Process) OwnsListener(network, address string) (listening, owned bool, err error) {
	found, err := p.listenersOn(network, address)
	if err != nil || len(found) == 0 {
		return false, false, err
	}
	wanted := make(map[uint64]struct{}, len(found))
	for _, l := range found {
		wanted[l.inode] = struct{}{}
	}
	// Mostly it is the program itself, which is found without reading the process table.
	select {
	case <-p.done:
	default:
		if subtractSockets(p.PID(), wanted) == nil && len(wanted) == 0 {
			return true, true, nil
		}
	}
	members, err := p.members()
	if err != nil {
		return true, false, err
	}
	var hidden error
	for _, m := range members {
		if err := subtractSockets(m.pid, wanted); err != nil {
			hidden = fmt.Errorf("look into the open files of process %d, which may be the one that listens on %s "+
				"(drover needs to run as root or as the same user): %w", m.pid, address, err)
		}
		if len(wanted) == 0 {
			return true, true, nil
		}
	}
	return true, false, hidden
}

// Listeners returns where the tree listens, as 127.0.0.1:3000, [::]:3000 or unix:/path: for telling
// an operator whose program does not listen where it was told to.
func (p *Process) Listeners() []string {
	tcp, err := tcpListeners(0)
	if err != nil {
		return nil // it is for a message only
	}
	sockets, err := unixListeners()
	if err != nil {
		sockets = nil
	}
	all := append(tcp, sockets...)
	strange := make(map[uint64]struct{}, len(all))
	for _, l := range all {
		strange[l.inode] = struct{}{}
	}
	for _, pid := range p.Tree() {
		_ = subtractSockets(pid, strange) // what cannot be read is left out
	}
	var own []string
	for _, l := range all {
		if _, ok := strange[l.inode]; !ok {
			own = append(own, l.String())
		}
	}
	slices.Sort(own)
	return slices.Compact(own)
}

// listenersOn returns the sockets that a connection to the address can reach.
func listenersOn(network, address string) ([]listener, error) {
	switch network {
	case "tcp":
		target, err := parseTarget(address)
		if err != nil {
			return nil, err
		}
		found, err := tcpListeners(target.Port())
		return slices.DeleteFunc(found, func(l listener) bool { return !l.accepts(target) }), err
	case "unix":
		return listenersAt(address)
	}
	return nil, fmt.Errorf("look who listens on %s: no network %q; use tcp or unix", address, network)
}

func tcpListeners(port uint16) ([]listener, error) {
	found, err := diagTCP(port)
	if err == nil {
		return found, nil
	}
	// The kernel has no tcp_diag, or a sandbox forbids netlink.
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, fmt.Errorf("look who listens: %w", err)
	}
	found = parseProcTCP(text)
	if text, err := os.ReadFile("/proc/net/tcp6"); err == nil { // missing without IPv6
		found = append(found, parseProcTCP(text)...)
	}
	return slices.DeleteFunc(found, func(l listener) bool { return port != 0 && l.address.Port() != port }), nil
}

func unixListeners() ([]listener, error) {
	found, err := diagUnix()
	if err == nil {
		return found, nil
	}
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil, fmt.Errorf("look who listens: %w", err)
	}
	return parseProcUnix(text), nil
}

// listenersAt returns the sockets bound to the path. The file decides where the kernel tells it: a
// socket whose file was removed and made again by another still has the name.
func listenersAt(path string) ([]listener, error) {
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // a connection would find nothing
		}
		return nil, fmt.Errorf("look who listens on %s: %w", path, err)
	}
	all, err := unixListeners()
	if err != nil {
		return nil, err
	}
	file := fileID{dev: uint64(stat.Dev), inode: stat.Ino & (1<<32 - 1)} // the kernel tells 32 bits
	var exact, named []listener
	for _, l := range all {
		if l.file == file {
			exact = append(exact, l)
		}
		if l.path == path {
			named = append(named, l)
		}
	}
	if len(exact) > 0 {
		return exact, nil
	}
	return named, nil // overlay file systems have other numbers below
}

// subtractSockets removes from the set the inodes of sockets that the process holds.
func subtractSockets(pid int, inodes map[uint64]struct{}) error {
	path := "/proc/" + strconv.Itoa(pid) + "/fd"
	dir, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil // it has ended
		}
		return err
	}
	defer dir.Close()
	var target [64]byte
	for len(inodes) > 0 {
		names, err := dir.Readdirnames(256)
		for _, name := range names {
			n, err := syscall.Readlink(path+"/"+name, target[:])
			if err != nil {
				continue // closed meanwhile
			}
			if number, ok := strings.CutPrefix(string(target[:n]), "socket:["); ok {
				if inode, ok := decimal([]byte(strings.TrimSuffix(number, "]"))); ok {
					delete(inodes, inode)
				}
			}
		}
		if err != nil { // the end, or the process has ended
			return nil
		}
	}
	return nil
}
