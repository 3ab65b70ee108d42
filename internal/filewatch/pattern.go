package filewatch

import (
	"fmt"
	"path"
	"strings"
)

// Check finds what is wrong with a pattern: path.Match's words for each part of
// a path, and ** for any number of folders.
func Check(pattern string) error {
	for _, part := range strings.Split(pattern, "/") {
		if _, err := path.Match(part, "x"); err != nil {
			return fmt.Errorf("%q is no pattern: %w", part, err)
		}
	}
	return nil
}

// Match reports whether a path with slashes matches a pattern.
func Match(pattern, name string) bool {
	return match(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func match(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for n := range len(name) + 1 {
				if match(pattern[1:], name[n:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

// base is the folder below which everything lies that matches.
func base(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, `*?[\`) || i == len(parts)-1 {
			return path.Join(parts[:i]...)
		}
	}
	return ""
}

// skipped reports whether nobody wants to hear of what is in a folder, unless a
// pattern names it: dependencies, caches and what is hidden.
func skipped(folder string) bool {
	return strings.HasPrefix(folder, ".") || folder == "node_modules" || folder == "__pycache__"
}
