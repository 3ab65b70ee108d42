package process

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// allowAll is allow, but for the execution of what is inert. What a rule allows for a folder no
// other rule takes away again below it, so where something in the folder is inert, each of the
// others is named.
func (r *ruleset) allowAll(path string, access uint64) error {
	const execute = unix.LANDLOCK_ACCESS_FS_EXECUTE
	real, err := filepath.EvalSymlinks(path)
	if err != nil || access&execute == 0 || !isFolder(real) || !r.touchesInert(real) {
		return r.allow(path, access) // a missing file is its error
	}
	if err := r.allow(path, access&^execute); err != nil {
		return err
	}
	return r.allowExecution(real)
}

func (r *ruleset) allowExecution(path string) error {
	if r.isInert(path) {
		return nil
	}
	if !r.touchesInert(path) {
		return r.allow(path, unix.LANDLOCK_ACCESS_FS_EXECUTE)
	}
	entries, err := os.ReadDir(path)
	if os.IsPermission(err) {
		return nil // nor can the program look into it
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type()&^os.ModeDir != 0 {
			continue // a link would allow what it leads to
		}
		if err := r.allowExecution(filepath.Join(path, e.Name())); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// isInert reports whether the path is inert, or lies in what is.
func (r *ruleset) isInert(path string) bool {
	return slices.ContainsFunc(r.inert, func(inert string) bool { return within(path, inert) })
}

// touchesInert reports whether something at or below the path is inert, or the path itself lies in what is.
func (r *ruleset) touchesInert(path string) bool {
	return r.isInert(path) || slices.ContainsFunc(r.inert, func(inert string) bool { return within(inert, path) })
}

// within reports whether a path is that of the folder, or lies in it.
func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// resolved follows links; what there is not stays as it is.
func resolved(paths []string) []string {
	out := slices.Clone(paths)
	for i, path := range out {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			out[i] = real
		}
	}
	return out
}
