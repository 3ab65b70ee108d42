// Package cgroupfs finds the control groups that drover runs in, and reads what
// they allow: what a container has of its machine. It changes none of them.
package cgroupfs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/internal/mountinfo"
)

// Groups are the control groups of one process.
type Groups struct {
	V2 Group            // the zero value when version 2 is not mounted
	V1 map[string]Group // by controller
}

// Group is the folder of a control group.
type Group struct {
	Folder string
	Mount  string // of its hierarchy: the groups around it lie between the two
}

// Own returns the groups of the process that calls it.
func Own() (Groups, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	own, err2 := os.ReadFile("/proc/self/cgroup")
	if err = errors.Join(err, err2); err != nil {
		return Groups{}, err
	}
	return Find(string(mounts), string(own)), nil
}

// Find returns the groups of a process by its files mountinfo and cgroup in /proc.
func Find(mounts, own string) Groups {
	paths := make(map[string]string) // controller, "" for version 2 -> path of the group
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for name := range strings.SplitSeq(parts[1], ",") {
			paths[name] = parts[2]
		}
	}
	g := Groups{V1: make(map[string]Group)}
	for line := range strings.Lines(mounts) {
		m, ok := mountinfo.Parse(line)
		if !ok {
			continue
		}
		if m.Kind == "cgroup2" && g.V2.Folder == "" {
			g.V2 = groupIn(m, paths[""])
		}
		if m.Kind != "cgroup" {
			continue
		}
		for name, path := range paths {
			if _, known := g.V1[name]; name != "" && slices.Contains(m.Options, name) && !known {
				g.V1[name] = groupIn(m, path)
			}
		}
	}
	return g
}

// up returns the folders of the group and of those around it, its own first.
func (g Group) up() []string {
	if g.Folder == "" {
		return nil
	}
	folders := []string{g.Folder}
	for at := g.Folder; at != g.Mount && at != filepath.Dir(at); {
		at = filepath.Dir(at)
		folders = append(folders, at)
	}
	return folders
}

// groupIn is where a group lies in the mount. A container without a namespace for them sees the
// host's path of its group and a mount of that group alone.
func groupIn(m mountinfo.Mount, path string) Group {
	rel, err := filepath.Rel(m.Root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return Group{m.Point, m.Point}
	}
	return Group{filepath.Join(m.Point, rel), m.Point}
}
