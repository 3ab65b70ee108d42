package config

// Security is what workers are kept from.
type Security struct {
	// Which modules programs of Node.js, Bun and Python may load.
	Modules Modules `yaml:"modules"`
}

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
