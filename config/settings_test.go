package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// minimal is the smallest valid file; true is on every machine.
const minimal = `server:
  listeners:
    - { address: ":8080", pool: app }
pools:
  app:
    command: ["true"]
`

// env is an environment that is a map.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

var noEnv = env(nil)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	return parseWith(t, text, nil)
}

func parseWith(t *testing.T, text string, vars map[string]string) *Config {
	t.Helper()
	c, err := Parse("drover.yaml", []byte(text), env(maps.Clone(vars)))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return c
}

// faultsOf returns the faults of text as lines without the file's name.
func faultsOf(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse("f", []byte(text), noEnv)
	if err == nil {
		return nil
	}
	var faults Faults
	if !errors.As(err, &faults) || len(faults) == 0 {
		t.Fatalf("the error is %T, not Faults", err)
	}
	var out []string
	for _, fault := range faults {
		if fault.Line < 1 || fault.File != "f" || fault.Problem == "" || fault.Remedy == "" {
			t.Errorf("incomplete fault %#v", fault)
		}
		out = append(out, strings.TrimPrefix(fault.Error(), "f:"))
	}
	return out
}

// write makes a file in a folder of the test's own.
func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }
