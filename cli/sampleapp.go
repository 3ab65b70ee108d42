package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/drover-proxy/drover/internal/sampleapp"
)

// SampleAppCmd runs the built-in sample worker.
type SampleAppCmd struct {
	Listen string `default:"127.0.0.1:3000" placeholder:"HOST:PORT" help:"Where to listen when neither PORT nor SOCKET is set (default ${default})."`
}

// Help shows an example.
func (*SampleAppCmd) Help() string {
	return `It listens on $SOCKET, or $PORT at $HOST, as drover's workers do, and has / /health /slow?ms=100 /crash
/hang /leak?mb=10 /bytes?n=1000 /sse /ws /echo /env. It shows its environment to whoever asks.

  PORT=3000 drover sample-app
  drover run --workers 2 -- drover sample-app`
}

// Run serves until SIGTERM or SIGINT; a second one ends it at once.
func (c *SampleAppCmd) Run(env *Environment) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	return sampleapp.Run(ctx, sampleapp.Options{
		Listen: c.Listen, Getenv: env.Getenv, Environ: os.Environ, Log: env.Stdout,
	})
}
