package proxy

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/event"
)

// panicked reports a fault of ours that ended one request or connection; the
// others go on.
func (s *Server) panicked(what string, p any) {
	s.log.Error("panic in "+what, zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
	s.o.Bus.Publish(event.Event{Kind: event.Internal, Subject: "proxy", Message: fmt.Sprintf("%s ended by a panic: %v; the log has the stack", what, p)})
}
