// Package config turns the settings file into typed, validated settings that
// nobody writes to after they were published.
package config

// Config is the whole settings file.
type Config struct {
	Server     Server           `yaml:"server"`
	Routes     []Route          `yaml:"routes"`
	Pools      map[string]*Pool `yaml:"pools"`
	Monitoring Monitoring       `yaml:"monitoring"`
	Logging    Logging          `yaml:"logging"`
	Admin      Admin            `yaml:"admin"`
}
