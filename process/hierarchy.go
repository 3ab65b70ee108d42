package process

import (
	"path/filepath"
	"slices"
	"strings"
)

// hierarchies are the folders of the control groups that drover runs in.
type hierarchies struct {
	v2 string            // "" when version 2 is not mounted
	v1 map[string]string // by controller
}

// findHierarchies reads /proc/self/mountinfo and /proc/self/cgroup.
func findHierarchies(mounts, own string) hierarchies {
	paths := make(map[string]string) // controller, "" for version 2 -> path of our group
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for name := range strings.SplitSeq(parts[1], ",") {
			paths[name] = parts[2]
		}
	}
	h := hierarchies{v1: make(map[string]string)}
	for line := range strings.Lines(mounts) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		if m.kind == "cgroup2" && h.v2 == "" {
			h.v2 = m.folder(paths[""])
		}
		if m.kind != "cgroup" {
			continue
		}
		for name, path := range paths {
			if name != "" && slices.Contains(m.options, name) && h.v1[name] == "" {
				h.v1[name] = m.folder(path)
			}
		}
	}
	return h
}

// mount is a line of mountinfo.
type mount struct {
	root, point, kind string
	options           []string // of the file system
}

func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 5 || len(right) < 3 {
		return mount{}, false
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	return mount{root: unescape.Replace(left[3]), point: unescape.Replace(left[4]), kind: right[0], options: strings.Split(right[2], ",")}, true
}

// folder is where a group lies in the mount. A container without a namespace for them sees the
// host's path of its group and a mount of that group alone.
func (m mount) folder(path string) string {
	rel, err := filepath.Rel(m.root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return m.point
	}
	return filepath.Join(m.point, rel)
}
