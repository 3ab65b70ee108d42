package config

import (
	"net"
	"strconv"
	"strings"
)

// longestSocketPath is what fits into sockaddr_un on every system that drover
// compiles for (104 bytes on macOS, 108 on Linux, the final zero included).
const longestSocketPath = 103

// splitAddress takes host:port or unix:/path apart into what package net takes.
func splitAddress(address string) (network, rest string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path
	}
	return "tcp", address
}

// checkAddress returns what is wrong with an address that is listened on
// (where the host may be missing and the port 0) or connected to.
func checkAddress(address string, listen bool) *valueError {
	const forms = "write host:port, such as 127.0.0.1:8080, or unix:/path"
	switch network, rest := splitAddress(address); {
	case address == "":
		return &valueError{"is missing", forms}
	case strings.Contains(address, "://"):
		return &valueError{quote(address) + " is a URL", forms}
	case network == "unix":
		return checkSocketPath(rest)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return &valueError{quote(address) + " is not an address", forms}
	}
	if host == "" && !listen {
		return &valueError{quote(address) + " has no host", forms}
	}
	if !hostForm(host) && host != "" {
		return &valueError{quote(address) + " has no valid host", forms}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listen {
		return &valueError{quote(address) + " has no valid port", "use a port from 1 to 65535"}
	}
	return nil
}

func checkSocketPath(path string) *valueError {
	switch {
	case !strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0):
		return &valueError{quote(path) + " is not the absolute path of a socket", "write unix:/path/to/socket"}
	case len(path) > longestSocketPath:
		return &valueError{"the socket's path has " + strconv.Itoa(len(path)) + " bytes", "use a path of at most " + strconv.Itoa(longestSocketPath)}
	}
	return nil
}

// hostForm reports whether host looks like a name or an IP address (of either
// version, the brackets removed); it is not looked up.
func hostForm(host string) bool {
	if zone := strings.IndexByte(host, '%'); zone > 0 {
		host = host[:zone]
	}
	if strings.Contains(host, ":") {
		return net.ParseIP(host) != nil
	}
	if host == "" || len(host) > 253 {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || !plainKey(label) {
			return false
		}
	}
	return true
}

// overlaps reports whether two listening addresses cannot be open together.
func overlaps(a, b string) bool {
	if a == b { // an address is also the listener's identity, even with port 0
		return true
	}
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || wildcard(hostA) || wildcard(hostB)
}

func wildcard(host string) bool {
	return host == "" || net.ParseIP(host).IsUnspecified()
}
