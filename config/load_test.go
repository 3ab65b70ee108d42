package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestLoad_ReportsEveryFault is the file that has one of nearly every fault.
func TestLoad_ReportsEveryFault(t *testing.T) {
	_, err := Load("testdata/faults.yaml")
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v", err)
	}
	golden := "testdata/faults.golden"
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLoad_SaysWhatToDoAboutTheFile(t *testing.T) {
	dir := t.TempDir()
	f := func(path, want string, is error) {
		t.Helper()
		_, err := Load(path)
		var faults Faults
		if err == nil || errors.As(err, &faults) || !strings.Contains(err.Error(), want) || is != nil && !errors.Is(err, is) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(filepath.Join(dir, "none.yaml"), "none.yaml: the settings file does not exist; name another with -c FILE", fs.ErrNotExist)
	f(dir, "the settings file cannot be read", nil)
	if os.Getuid() != 0 {
		f(write(t, "secret.yaml", minimal, 0), "may not be read by this user", fs.ErrPermission)
	}
}

func TestLoad_ReadsTheEnvironment(t *testing.T) {
	t.Setenv("DROVER_TEST_WORKERS", "9")
	c, err := Load(write(t, "drover.yaml", minimal+"    workers: ${DROVER_TEST_WORKERS}\n", 0o600))
	if err != nil || c.Pools["app"].Workers != 9 {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestLoad_EndsOnADevice(t *testing.T) {
	if _, err := Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "a settings file may have at most 1MB") {
		t.Errorf("got %v", err)
	}
}
