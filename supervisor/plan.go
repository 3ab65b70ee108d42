package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/process"
)

// plan is everything that one start of a worker depends on.
type plan struct {
	who     identity
	cfg     *config.Pool // the settings this worker is started with
	options *Options
}

// equipment is what a worker holds of ours while it lives.
type equipment struct {
	plan
	endpoint Endpoint        // nil: none
	handed   []*os.File      // the worker's ends, closed after the start
	account  *config.Account // whom it runs as; nil: drover's own user
	folder   string          // the worker's own, in which its socket lies; "": none
}

// equip gets the worker's port or socket, channel and output, and returns what
// to start. On an error nothing is held.
func (p plan) equip() (*equipment, process.Spec, error) {
	e := &equipment{plan: p}
	spec, err := e.assemble()
	if err != nil {
		e.closeHanded()
		return nil, process.Spec{}, errors.Join(err, e.release())
	}
	return e, spec, nil
}

func (e *equipment) assemble() (process.Spec, error) {
	o, who := e.options, &e.who
	var err error
	if e.account, err = e.cfg.Security.Account(); err != nil {
		return process.Spec{}, fmt.Errorf("security: %w", err)
	}
	if err := e.findAddress(); err != nil {
		return process.Spec{}, err
	}
	spec := process.Spec{ID: who.ID, Dir: e.cfg.Directory}
	if o.Channel != nil {
		endpoint, err := o.Channel.Open(who.ID)
		if err != nil {
			return spec, err
		}
		e.endpoint = endpoint
		who.NotifySocket, who.Channel = endpoint.NotifySocket(), true
		who.LinkSocket, who.LinkKey = endpoint.Link()
		spec.Files = []*os.File{endpoint.File()} // becomes channelFD
		e.handed = append(e.handed, endpoint.File())
	}
	if o.Output != nil {
		stdout, stderr, err := o.Output.Open(who.ID, who.Pool)
		if err != nil {
			return spec, fmt.Errorf("open the output of %s: %w", who.ID, err)
		}
		spec.Stdout, spec.Stderr = stdout, stderr
		e.handed = append(e.handed, stdout, stderr)
	}
	var file []string
	if e.cfg.EnvFile != "" {
		if file, err = config.ReadEnvFile(e.cfg.EnvFile); err != nil {
			return spec, err
		}
	}
	who.Preload, who.Moves = preloadFor(o.Preload, e.cfg)
	if who.Modules, err = modulesFor(who.Pool, e.cfg, who.Preload); err != nil {
		return spec, err
	}
	who.Memory = runtimeMemory(e.cfg)
	if err := e.handOver(); err != nil {
		return spec, err
	}
	spec.Argv = who.argv(e.cfg.Command)
	var secrets []string
	if o.Secrets != nil {
		secrets = o.Secrets()
	}
	spec.Env = environ(o.Environ, secrets, file, e.cfg.Env, e.account, *who)
	spec.Bounds, err = e.bounds()
	return spec, err
}

// findAddress chooses a port, a socket, or both, as the transport says.
func (e *equipment) findAddress() error {
	who := &e.who
	if who.Transport != "socket" {
		port, err := e.options.Ports.Take()
		if err != nil {
			return err
		}
		who.Port = port
	}
	if e.options.Inspect {
		port, err := e.options.Ports.Take()
		if err != nil {
			return err
		}
		who.Inspector = port
	}
	if who.Transport == "port" {
		return nil
	}
	inner := ""
	if e.apart() {
		inner = privateSocket
	}
	path, err := socketPath(e.options.RunDir, who.ID, inner)
	if err != nil {
		return err
	}
	if inner != "" {
		if err := e.makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
	}
	who.Socket = path
	return removeSocket(path)
}

// closeHanded closes our copies of the worker's ends, so that the end of the
// worker is seen at the other ones.
func (e *equipment) closeHanded() {
	for _, f := range e.handed {
		if f != nil {
			_ = f.Close() // only written by the worker
		}
	}
	e.handed = nil
}

// release gives everything back once nothing of the worker runs any more.
func (e *equipment) release() error {
	var err error
	if e.endpoint != nil {
		err = e.endpoint.Close()
	}
	if e.options.Output != nil {
		e.options.Output.Release(e.who.ID)
	}
	e.options.Ports.Release(e.who.Port)
	e.options.Ports.Release(e.who.Inspector)
	err = errors.Join(err, removeSocket(e.who.Socket))
	if e.folder != "" {
		err = errors.Join(err, os.RemoveAll(e.folder)) // the worker may have put more there
	}
	return err
}
