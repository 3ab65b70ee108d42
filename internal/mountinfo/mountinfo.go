// Package mountinfo reads what is mounted where, as the kernel tells a process.
package mountinfo

import "strings"

// Mount is a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type Mount struct {
	Root    string // the folder of the file system that is mounted
	Point   string // where it is mounted
	Kind    string // of file system
	Options []string
}

// Parse reads a line; false for what is none. The options are those of the file system.
func Parse(line string) (Mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 5 || len(right) < 3 {
		return Mount{}, false
	}
	return Mount{Root: unescape.Replace(left[3]), Point: unescape.Replace(left[4]), Kind: right[0], Options: strings.Split(right[2], ",")}, true
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
