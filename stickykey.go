package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stickyKey returns the secret that sticky cookies are signed with. It is kept
// in drover's folder, which nobody else can enter, and outlives restarts.
func stickyKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "sticky.key")
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = newStickyKey(path); err == nil {
			key, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the key of sticky cookies: %w", err)
	}
	if len(key) < sha256.Size {
		return nil, fmt.Errorf("the key of sticky cookies: %s has %d bytes; remove it, or put %d random ones there", path, len(key), sha256.Size)
	}
	return key, nil
}

// newStickyKey makes the file whole or not at all; one that another drover has
// made meanwhile stays.
func newStickyKey(path string) error {
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "sticky.key-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(key)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
