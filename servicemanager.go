package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"go.uber.org/zap"
)

// notifySocketEnv names the socket of a service manager such as systemd, which is drover's own:
// workers get one of drover's.
const notifySocketEnv = "NOTIFY_SOCKET"

// serviceManager is who started drover and wants to know how it is (sd_notify(3)); empty: nobody.
type serviceManager string

// findServiceManager takes the socket out of the environment, so that nothing that drover starts speaks in its name.
func findServiceManager() serviceManager {
	path := os.Getenv(notifySocketEnv)
	_ = os.Unsetenv(notifySocketEnv) // fails for names that cannot be
	return serviceManager(path)
}

// tell sends one state, such as READY=1.
func (m serviceManager) tell(log *zap.Logger, format string, args ...any) {
	if m == "" {
		return
	}
	name := string(m)
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:] // an abstract socket
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		defer c.Close() // it was written in one piece
		_, err = fmt.Fprintf(c, format, args...)
	}
	if err != nil {
		log.Warn("tell the service manager", zap.Error(err))
	}
}

// environ is what the next drover needs to speak to it.
func (m serviceManager) environ() []string {
	if m == "" {
		return nil
	}
	return []string{notifySocketEnv + "=" + string(m)}
}
