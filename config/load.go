package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
)

// Load reads, decodes, completes and validates a settings file, with variables
// from drover's environment. The error is Faults when the settings are wrong,
// and one that says what to do when the file cannot be read.
func Load(path string) (*Config, error) {
	data, err := readLimited(path)
	if err != nil {
		return nil, &fileError{path, err}
	}
	return Parse(path, data, os.LookupEnv)
}

// fileError is a settings file that cannot be read.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Unwrap() error { return e.err }

func (e *fileError) Error() string {
	switch {
	case errors.Is(e.err, fs.ErrNotExist):
		return e.path + ": the settings file does not exist; name another with -c FILE, or copy config.example.yaml there"
	case errors.Is(e.err, fs.ErrPermission):
		return e.path + ": the settings file may not be read by this user; change its owner or mode"
	}
	return fmt.Sprintf("%s: the settings file cannot be read (%v); name a readable file with -c FILE", e.path, cause(e.err))
}

// cause takes operation and path off an error of package os; the message has
// its own.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readLimited reads a little more than a settings file may have, so that the
// fault is found without reading a device to its end.
func readLimited(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read from
	return io.ReadAll(io.LimitReader(file, largestFile+1))
}

// Parse does what Load does with data in memory; name is what faults call the
// file. The error is always Faults.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	root, fault := parseYAML(name, data)
	if fault != nil {
		return nil, Faults{fault}
	}
	d := &decoder{file: name, getenv: getenv, origin: &origin{
		file: name, lines: map[string]int{}, secretEnv: map[string]bool{},
	}}
	c := Default()
	c.origin = d.origin
	d.value(root, reflect.ValueOf(c).Elem(), "")
	c.complete()
	c.sumEnvFiles()
	faults := append(d.faults, c.validate(d.faults)...)
	if len(faults) > 0 {
		faults.sort()
		return nil, faults
	}
	return c, nil
}
