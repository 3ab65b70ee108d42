package config

// Security is what workers are kept from.
type Security struct {
	// The user that workers run as, a name or number; empty is drover's own. Needs drover to run as root.
	User string `yaml:"user" reload:"roll"`
	// Their group; empty is the user's own.
	Group string `yaml:"group" reload:"roll"`
	// Whether programs such as sudo give workers nothing that they do not have.
	NoNewPrivileges bool `yaml:"noNewPrivileges" reload:"roll"`
	// What workers can reach: off is all that their user may; standard is what programs need, their directory and temporary files; strict is less.
	Sandbox string `yaml:"sandbox" enum:"off,standard,strict" reload:"roll"`
	// Files and folders that workers in a sandbox may read beside those.
	ReadOnlyPaths []string `yaml:"readOnlyPaths" reload:"roll"`
	// Files and folders that workers in a sandbox may change.
	WritablePaths []string `yaml:"writablePaths" reload:"roll"`
	// Whether each worker has no network but a loopback device of its own; needs transport socket, and drover to run as root.
	PrivateNetwork bool `yaml:"privateNetwork" reload:"roll"`
	// Whether each worker sees only the processes that it has started, which end with it whatever they did to get away; needs drover to run as root.
	PrivatePIDs bool `yaml:"privatePids" reload:"roll"`
	// Which modules programs of Node.js, Bun and Python may load.
	Modules Modules `yaml:"modules"`
}

// Confined reports whether workers run in a sandbox.
func (s Security) Confined() bool { return s.Sandbox == "standard" || s.Sandbox == "strict" }

// Modules are patterns of what a program may load: a name, which stands for what
// is below it, too, or the beginning of one with * at its end.
type Modules struct {
	// The only packages and built-in modules that may be loaded, beside the application's own files; empty allows all.
	Allow []string `yaml:"allow" reload:"roll"`
	// Packages and built-in modules that may not be loaded.
	Deny []string `yaml:"deny" reload:"roll"`
}

// Restricted reports whether there is something that may not be loaded.
func (m Modules) Restricted() bool { return len(m.Allow)+len(m.Deny) > 0 }
