package config

// Monitoring is how processes are measured.
type Monitoring struct {
	SampleInterval Duration `yaml:"sampleInterval"`
}

// Logging is where log lines go and which.
type Logging struct {
	Level     string            `yaml:"level"`
	Format    string            `yaml:"format"` // json, console or auto
	Levels    map[string]string `yaml:"levels"` // level by component
	AccessLog AccessLog         `yaml:"accessLog"`
	Files     []LogFile         `yaml:"files"`
}

// Admin is the operators' surface.
type Admin struct {
	Address      string   `yaml:"address"`
	Socket       string   `yaml:"socket"` // auto, a path, or empty for none
	AllowedHosts []string `yaml:"allowedHosts"`
	Tokens       []Token  `yaml:"tokens"`
}

// Token lets its bearer in as Role. Exactly one of the three ways to name it is set.
type Token struct {
	Name        string `yaml:"name"`
	Role        string `yaml:"role"` // viewer or operator
	Token       string `yaml:"token"`
	TokenFile   string `yaml:"tokenFile"`
	TokenSHA256 string `yaml:"tokenSHA256"`
}
