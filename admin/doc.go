// Package admin is the operators' surface: the HTTP API of docs/admin-api.md on
// a TCP address and a Unix socket, with who may use it. It shows and changes
// nothing by itself: what it is asked goes to Backend, facts come from the bus,
// numbers from the metrics handler.
//
//	s, err := admin.New(admin.Options{Config: cfg.Admin, Backend: backend, Metrics: m.Handler(), Bus: bus, Log: log})
//	if err := s.Listen(); err != nil { … }  // the addresses are open from here on
//	go s.Run(ctx)                           // until ctx is done
//	fmt.Println(s.SocketPath())
//
// A new endpoint is a handler in a file of its noun and one line in routes.go.
package admin
