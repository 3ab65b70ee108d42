package drover

import "strings"

// matches reports whether a pattern, a name or the beginning of one with * at
// its end, has the name.
func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}
