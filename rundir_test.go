package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestRunDir_TakesTheFirstPlaceAndRemovesWhatTheDeadLeft(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	place := filepath.Join(t.TempDir(), "drover")
	leftBehind := filepath.Join(place, "run-"+strconv.Itoa(dead.Process.Pid))
	ours := filepath.Join(place, "run-"+strconv.Itoa(os.Getpid())) // left behind by an earlier container's PID 1
	foreign := filepath.Join(place, "run-me")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{leftBehind, ours, foreign} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d, err := newRunDir([]string{filepath.Join(file, "below"), place})
	if err != nil {
		t.Fatal(err)
	}
	if d.path != ours {
		t.Errorf("the folder is %s, want %s", d.path, ours)
	}
	// As one of another PID namespace does, where the same pid is taken and means nothing.
	other, err := newRunDir([]string{place})
	if err != nil {
		t.Fatal(err)
	}
	if want := ours + ".2"; other.path != want {
		t.Errorf("the folder is %s, want %s", other.path, want)
	}
	if info, err := os.Stat(d.path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v: want a folder for its owner alone", info, err)
	}
	f := func(path string, want bool) {
		t.Helper()
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
	f(leftBehind, false)
	f(d.path, true)
	f(foreign, true)
	d.remove()
	f(d.path, false)
	f(other.path, true)
	other.remove()
}

func TestRunDir_SaysWhatToDoWhenNoPlaceCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newRunDir([]string{filepath.Join(file, "below")})
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "XDG_RUNTIME_DIR") {
		t.Errorf("error is %v", err)
	}
}
