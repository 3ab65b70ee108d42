package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build says what a program was built from.
type Build struct{ Version, Commit, GoVersion string }

// ReadBuild returns what the Go toolchain wrote into this program. version is
// what the builder called it; empty: the module's version, or devel.
func ReadBuild(version string) Build {
	b := Build{Version: version, Commit: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty {
		b.Commit += "-dirty"
	}
	if b.Version == "" {
		b.Version = "devel"
		if v := info.Main.Version; v != "" && v != "(devel)" {
			b.Version = v
		}
	}
	return b
}

// VersionCmd says what this program is.
type VersionCmd struct{}

// Help shows an example.
func (*VersionCmd) Help() string {
	return `Example:

  drover version`
}

// Run prints one line.
func (*VersionCmd) Run(env *Environment) error {
	b := ReadBuild(env.Version)
	_, err := fmt.Fprintf(env.Stdout, "drover %s commit %s %s %s/%s\n", b.Version, b.Commit, b.GoVersion, runtime.GOOS, runtime.GOARCH)
	return err
}
