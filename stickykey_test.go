package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestStickyKey_OutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	first, err := stickyKey(dir)
	if err != nil || len(first) != 32 {
		t.Fatalf("%x, %v", first, err)
	}
	second, err := stickyKey(dir)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("%x and %x, %v", first, second, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	path := filepath.Join(dir, "sticky.key")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := stickyKey(dir); err == nil {
		t.Error("a short key is taken")
	}
}
