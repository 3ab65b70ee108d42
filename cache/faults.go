package cache

import (
	"errors"
	"fmt"
)

// maxFaults is how many lines of a file are named that cannot be used.
const maxFaults = 10

// faults are what is wrong with the lines of one file.
type faults struct {
	path  string
	first []error
	count int
}

func (f *faults) add(line int, err error) {
	if f.count++; f.count <= maxFaults {
		f.first = append(f.first, fmt.Errorf("%s:%d: %w", f.path, line, err))
	}
}

// err returns them as one error, or nil.
func (f *faults) err() error {
	if f.count > len(f.first) {
		return errors.Join(append(f.first, fmt.Errorf("%s: %d more lines cannot be used", f.path, f.count-len(f.first)))...)
	}
	return errors.Join(f.first...)
}
