package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ownProgram returns the path that drover was started by. It may be a link that
// leads to another version by the time of an upgrade; os.Executable would follow
// it now.
func ownProgram() (string, error) {
	file, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find drover's own program: %w", err)
	}
	started, err := exec.LookPath(os.Args[0])
	if err == nil {
		started, err = filepath.Abs(started)
	}
	if err != nil || !sameFile(started, file) { // the name was made up by whoever started it
		return file, nil
	}
	return started, nil
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
