package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// image is what a Dockerfile's last stage comes to, in a folder in place of a file system of its own.
type image struct {
	Root        string // the folder that stands for /
	WorkDir     string // in it
	User        string // uid:gid
	Env         []string
	Entrypoint  []string
	Cmd         []string
	HealthCheck []string
}

// instruction is one line of a Dockerfile: COPY, its flags, the rest.
type instruction struct {
	name  string
	flags map[string]string
	rest  string
}

// parseDockerfile returns the instructions, comments dropped and continued lines joined.
func parseDockerfile(text string) []instruction {
	var list []instruction
	var joined string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if part, more := strings.CutSuffix(line, "\\"); more {
			joined += part
			continue
		}
		name, rest, _ := strings.Cut(joined+line, " ")
		joined = ""
		in := instruction{name: strings.ToUpper(name), flags: make(map[string]string), rest: strings.TrimSpace(rest)}
		for strings.HasPrefix(in.rest, "--") {
			flag, after, _ := strings.Cut(in.rest, " ")
			key, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
			in.flags[key], in.rest = value, strings.TrimSpace(after)
		}
		list = append(list, in)
	}
	return list
}

// execForm decodes the JSON form of CMD, ENTRYPOINT and HEALTHCHECK.
func execForm(t *testing.T, text string) []string {
	t.Helper()
	var argv []string
	if err := json.Unmarshal([]byte(text), &argv); err != nil {
		t.Fatalf("%s: not the exec form: %v", text, err)
	}
	return argv
}

// buildImage does what `docker build` does with the file, with folders below dir for the stages.
// known are images that FROM may name, beside those of a registry, which add nothing here.
func buildImage(t *testing.T, dir, file, context string, known map[string]string) image {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stages := make(map[string]string)
	var im image
	for _, in := range parseDockerfile(string(raw)) {
		switch in.name {
		case "FROM":
			words := strings.Fields(in.rest)
			im = image{Root: filepath.Join(dir, fmt.Sprintf("stage%d", len(stages))), WorkDir: "/"}
			if root, ok := known[words[0]]; ok {
				im.Root = root
			}
			name := fmt.Sprint(len(stages))
			if len(words) == 3 && strings.EqualFold(words[1], "AS") {
				name = words[2]
			}
			stages[name] = im.Root
			mkdir(t, im.Root)
		case "WORKDIR":
			im.WorkDir = in.rest
			mkdir(t, im.Root+in.rest)
		case "COPY":
			from := context
			if stage := in.flags["from"]; stage != "" {
				if from = stages[stage]; from == "" {
					t.Fatalf("%s: COPY from the unknown stage %s", file, stage)
				}
			}
			words := strings.Fields(in.rest)
			for _, source := range words[:len(words)-1] {
				copyInto(t, from, source, &im, words[len(words)-1])
			}
		case "RUN":
			cmd := exec.Command("sh", "-ec", strings.ReplaceAll(in.rest, " /", " "+im.Root+"/"))
			cmd.Dir, cmd.Env = im.Root+im.WorkDir, append(os.Environ(), im.Env...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: RUN %s: %v\n%s", file, in.rest, err, out)
			}
		case "ENV":
			im.Env = append(im.Env, in.rest)
		case "USER":
			im.User = in.rest
		case "HEALTHCHECK":
			im.HealthCheck = execForm(t, strings.TrimPrefix(in.rest, "CMD "))
		case "ENTRYPOINT":
			im.Entrypoint = execForm(t, in.rest)
		case "CMD":
			im.Cmd = execForm(t, in.rest)
		case "EXPOSE":
		default:
			t.Fatalf("%s: the test does not know %s; teach it", file, in.name)
		}
	}
	return im
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// copyInto copies a file, or what is in a folder, as COPY does.
func copyInto(t *testing.T, from, source string, im *image, target string) {
	t.Helper()
	if !strings.HasPrefix(target, "/") {
		target = filepath.Join(im.WorkDir, target) + strings.Repeat("/", min(1, strings.Count(target, "/")))
	}
	ignored := ignoredBy(from)
	origin := filepath.Join(from, source)
	info, err := os.Stat(origin)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(origin, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if ignored(below) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		inside, err := filepath.Rel(origin, path)
		if err != nil {
			return err
		}
		to := filepath.Join(im.Root+target, inside)
		if !info.IsDir() {
			to = im.Root + target
			if strings.HasSuffix(target, "/") {
				to = filepath.Join(to, filepath.Base(source))
			}
		}
		return copyEntry(path, to, entry)
	})
	if err != nil {
		t.Fatalf("copy %s: %v", source, err)
	}
}

func copyEntry(from, to string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	switch {
	case entry.IsDir():
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		return os.Chmod(to, info.Mode())
	case !info.Mode().IsRegular():
		return nil // neither the context nor the stages have links that matter
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, info.Mode().Perm())
}

// ignoredBy reads the context's .dockerignore: paths, and **/name for a name at any depth.
func ignoredBy(context string) func(string) bool {
	raw, _ := os.ReadFile(filepath.Join(context, ".dockerignore")) // a stage has none
	patterns := strings.Fields(string(raw))
	return func(path string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			if name, anywhere := strings.CutPrefix(p, "**/"); anywhere {
				return filepath.Base(path) == name
			}
			return path == p
		})
	}
}

func TestDockerfile_Parses(t *testing.T) {
	got := parseDockerfile("# comment\nFROM a AS b\nRUN one && \\\n    two\nCOPY --from=b --chmod=1 /x /y\n")
	if len(got) != 3 || got[0].rest != "a AS b" || got[1].rest != "one && two" || got[2].flags["from"] != "b" || got[2].rest != "/x /y" {
		t.Errorf("got %+v", got)
	}
}

// What an operator relies on without reading the file: not root, a health check, drover in front.
func TestDockerfile_KeepsItsPromises(t *testing.T) {
	for _, file := range []string{"Dockerfile", "docker/node/Dockerfile"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		last := make(map[string]string)
		for _, in := range parseDockerfile(string(raw)) {
			last[in.name] = in.rest
		}
		if user := last["USER"]; user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
			t.Errorf("%s runs as %q", file, user)
		}
		if !slices.Equal(execForm(t, strings.TrimPrefix(last["HEALTHCHECK"], "CMD ")), []string{"drover", "status", "--check"}) {
			t.Errorf("%s checks health by %s", file, last["HEALTHCHECK"])
		}
		if execForm(t, last["ENTRYPOINT"])[0] != "drover" {
			t.Errorf("%s starts %s", file, last["ENTRYPOINT"])
		}
	}
}
