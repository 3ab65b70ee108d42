package config

import (
	"sort"
	"strings"
)

// origin is where settings were read from; nil for settings that are no file.
type origin struct {
	file      string
	lines     map[string]int  // of each key that is in the file
	secretEnv map[string]bool // variables that admin tokens were read from
}

// has reports whether the key is written down in the file.
func (o *origin) has(key string) bool {
	if o == nil {
		return false
	}
	_, ok := o.lines[key]
	return ok
}

// place returns the file, and the line of key or of the nearest key above it.
func (o *origin) place(key string) (file string, line int) {
	if o == nil {
		return "", 0
	}
	for key != "" {
		if line, ok := o.lines[key]; ok {
			return o.file, line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return o.file, 1
}

// SecretEnv returns the names of the environment variables that admin tokens
// were read from, sorted; they are not passed on to workers.
func (c *Config) SecretEnv() []string {
	if c.origin == nil {
		return nil
	}
	names := make([]string, 0, len(c.origin.secretEnv))
	for name := range c.origin.secretEnv {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
