package admin

import (
	"fmt"
	"net"
	"os"

	"github.com/drover-proxy/drover/internal/inherit"
)

// Keys of the sockets that a process can inherit: the setting that each was
// opened for follows, so that one for another setting is not taken.
const (
	addressKey = "address:"
	socketKey  = "socket:"
)

func (s *Server) listenTCP() (net.Listener, error) {
	if f := s.inherited[addressKey+s.cfg.Address]; f != nil {
		return net.FileListener(f)
	}
	return net.Listen("tcp", s.cfg.Address)
}

func (s *Server) openSocket() (*socket, error) {
	f := s.inherited[socketKey+s.cfg.Socket]
	if f == nil {
		return openSocket(s.cfg.Socket, s.folders, s.log)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("admin.socket: take over %s: %w", s.cfg.Socket, err)
	}
	taken := &socket{Listener: l, path: l.Addr().String()}
	taken.info, err = os.Lstat(taken.path) // somebody may have removed it: then nothing is removed at the end
	if err != nil {
		taken.info = nil
	}
	return taken, nil
}

// Files returns descriptors of what Listen opened, by the keys that
// Options.Inherited takes. The caller closes them.
func (s *Server) Files() (map[string]*os.File, error) {
	files := map[string]*os.File{}
	for key, l := range s.listeners() {
		f, err := inherit.File(l)
		if err != nil {
			for _, open := range files {
				_ = open.Close() // only read from by nobody yet
			}
			return nil, fmt.Errorf("hand over the admin API: %w", err)
		}
		files[key] = f
	}
	return files, nil
}

func (s *Server) listeners() map[string]net.Listener {
	all := map[string]net.Listener{}
	if s.tcp != nil {
		all[addressKey+s.cfg.Address] = s.tcp
	}
	if s.socket != nil {
		all[socketKey+s.cfg.Socket] = s.socket.Listener
	}
	return all
}

// HandOver leaves the socket's file to the process that has the descriptors.
func (s *Server) HandOver() { s.handed.Store(true) }

// Closing is closed when Run has ceased to accept; what is being answered then
// has a second left.
func (s *Server) Closing() <-chan struct{} { return s.closing }
