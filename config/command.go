package config

import (
	"errors"
	"strings"
)

// CommandOptions are the settings that a command line gives without a file.
type CommandOptions struct {
	Listen       []string // addresses; default :8080
	Workers      string   // a number or auto, the default
	Strategy     string   // default least-connections
	Health       string   // path of the health check; empty: any answer to GET / below 500
	AdminAddress *string  // host:port, empty for none; nil: the default
	Command      []string // what a worker is
}

// flagOf says which option a key comes from, for faults.
var flagOf = map[string]string{
	"pools.app.workers":              "--workers",
	"pools.app.strategy":             "--strategy",
	"pools.app.healthCheck.endpoint": "--health",
	"pools.app.command":              "COMMAND",
	"pools.app":                      "COMMAND",
	"admin.address":                  "--admin-address",
}

// ForCommand returns the settings of `drover -- COMMAND`: one pool, app, that
// runs the command, and http listeners that send everything to it. The error
// is Faults whose keys are the options.
func ForCommand(o CommandOptions) (*Config, error) {
	c, p := Default(), DefaultPool()
	c.Pools = map[string]*Pool{"app": p}
	p.Command = o.Command
	p.HealthCheck.Endpoint = o.Health
	if len(o.Listen) == 0 {
		o.Listen = []string{":8080"}
	}
	for _, address := range o.Listen {
		c.Server.Listeners = append(c.Server.Listeners, Listener{Address: address, Protocol: "http", Pool: "app"})
	}
	if o.Strategy != "" {
		p.Strategy = o.Strategy
	}
	if o.AdminAddress != nil {
		c.Admin.Address = *o.AdminAddress
	}
	var faults Faults
	if o.Workers != "" {
		if err := p.Workers.UnmarshalText([]byte(o.Workers)); err != nil {
			faults = append(faults, asFault("--workers", err))
		}
	}
	c.complete()
	for _, fault := range c.Validate() {
		fault.Key = flagFor(fault.Key)
		faults = append(faults, fault)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

// flagFor turns a key into the option it was given by.
func flagFor(key string) string {
	if strings.HasPrefix(key, "server.listeners[") {
		return "--listen"
	}
	for key != "" {
		if flag, ok := flagOf[key]; ok {
			return flag
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return "COMMAND"
}

func asFault(key string, err error) *FieldError {
	var bad *valueError
	if errors.As(err, &bad) {
		return &FieldError{Key: key, Problem: bad.problem, Remedy: bad.remedy}
	}
	return &FieldError{Key: key, Problem: err.Error()}
}
