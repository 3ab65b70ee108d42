//go:build !linux

package proxy

import "net"

// listenConfig is the system's own.
func listenConfig() net.ListenConfig { return net.ListenConfig{} }
