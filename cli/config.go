package cli

// ConfigCmd prints the settings that hold.
type ConfigCmd struct {
	ConfigFile string `name:"config" short:"c" default:"drover.yaml" placeholder:"FILE" help:"Settings file (default ./${default})."`
}

// Help shows an example.
func (*ConfigCmd) Help() string {
	return `Prints the settings with every default filled in and variables replaced, as a file that drover check
accepts. An admin token is written as its SHA-256; the values of pools' env are shown as they are.

  drover config -c drover.yaml`
}

// Run prints YAML to standard output, or the faults to standard error.
func (c *ConfigCmd) Run(env *Environment) error {
	cfg, err := load(env, c.ConfigFile)
	if err != nil {
		return err
	}
	text, err := cfg.Effective()
	if err != nil {
		return err
	}
	_, err = env.Stdout.Write(text)
	return err
}
