package main

import (
	"github.com/drover-proxy/drover/cli"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/ipc"
)

// source says where the settings come from: a file, or the command line alone.
type source struct{ options cli.RunOptions }

// file is the settings file, or empty where a command was given instead.
func (s source) file() string { return s.options.ConfigFile }

// load reads and validates the settings.
func (s source) load() (*config.Config, error) {
	c, err := s.read()
	if err == nil && s.options.Dev {
		c.Develop()
	}
	return c, err
}

func (s source) read() (*config.Config, error) {
	o := s.options
	if o.ConfigFile == "" {
		return config.ForCommand(config.CommandOptions{
			Listen: o.Listen, Workers: o.Workers, Strategy: o.Strategy, Health: o.Health, AdminAddress: o.AdminAddress, Command: o.Command,
		})
	}
	c, err := config.Load(o.ConfigFile)
	if err == nil {
		err = checkSchemas(c)
	}
	if err != nil || o.AdminAddress == nil {
		return c, err
	}
	c.Admin.Address = *o.AdminAddress
	if faults := c.Validate(); len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

// checkSchemas finds what is wrong in the schemas of messages, which is more
// than that their files are no JSON.
func checkSchemas(c *config.Config) error {
	schemas, err := ipc.LoadSchemas(c.IPC.Schemas)
	if err == nil && c.IPC.Encryption == "on" {
		err = schemas.Subset()
	}
	return err
}
