package drover

import (
	"net"
	"os"
)

// Listen listens where drover expects this worker's requests: on SOCKET, or on
// HOST and PORT. Outside drover, without these, on :8080.
func Listen() (net.Listener, error) {
	if path := os.Getenv("SOCKET"); path != "" {
		return net.Listen("unix", path)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	return net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), port))
}
