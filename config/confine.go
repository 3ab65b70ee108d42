package config

// Resources bound what each worker of a pool may use; 0 means no limit.
type Resources struct {
	// Files, sockets and pipes that each process of a worker may have open.
	MaxOpenFiles int `yaml:"maxOpenFiles" range:"0..1048576" reload:"roll"`
}

// Security is what workers are kept from.
type Security struct {
	// The user that workers run as, a name or number; empty is drover's own. Needs drover to run as root.
	User string `yaml:"user" reload:"roll"`
	// Their group; empty is the user's own.
	Group string `yaml:"group" reload:"roll"`
	// Whether programs such as sudo give workers nothing that they do not have.
	NoNewPrivileges bool `yaml:"noNewPrivileges" reload:"roll"`
}
