package config

import (
	"path"
	"strings"

	"github.com/drover-proxy/drover/internal/filewatch"
)

// watch checks patterns of files.
func (v *validator) watch(key string, patterns []string) {
	const remedy = "write a path below directory in which * stands for a part of a name and ** for any folders, such as src/**/*.js"
	for i, pattern := range patterns {
		at := index(key, i)
		switch err := filewatch.Check(pattern); {
		case err != nil:
			v.fault(at, err.Error(), remedy)
		case pattern == "" || path.IsAbs(pattern) || path.Clean(pattern) != pattern || pattern == ".." || strings.HasPrefix(pattern, "../"):
			v.fault(at, quote(pattern)+" is not a path below directory", remedy)
		}
	}
}
