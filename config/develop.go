package config

// developed are the files whose change restarts a worker that is being developed.
var developed = []string{
	"**/*.js", "**/*.mjs", "**/*.cjs", "**/*.ts", "**/*.mts", "**/*.cts", "**/*.jsx", "**/*.tsx", "**/*.py", "**/*.rb", "**/*.php", "**/*.go",
	"**/*.json", "**/*.yaml", "**/*.yml", "**/*.toml", "**/*.html", ".env",
}

// Develop changes settings for a developer at a terminal (drover run --dev): one
// worker without limits, replaced when a file of its folder changes, and logs
// for people. What the file says to watch stays.
func (c *Config) Develop() {
	c.Logging.Format = "console"
	for _, p := range c.Pools {
		if len(p.Command) == 0 {
			continue
		}
		fresh := DefaultPool()
		p.Workers, p.Resources, p.AutoScaling = 1, fresh.Resources, fresh.AutoScaling
		p.ProcessManagement.MaxRequests, p.ProcessManagement.MaxLifetime = 0, 0
		if len(p.ProcessManagement.Watch) == 0 {
			p.ProcessManagement.Watch = developed
		}
	}
}
