package process

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// installation returns what a sandbox must let the program at path read for it to start: its file,
// that of its interpreter, and where these lie in a bin folder, what was installed beside it.
func (s Spec) installation(path string) []string {
	var paths []string
	for _, program := range append([]string{path}, s.interpreters(path)...) {
		real, err := filepath.EvalSymlinks(s.inDir(program))
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			continue // execve will say so
		}
		paths = append(paths, real)
		prefix := filepath.Dir(filepath.Dir(real))
		if filepath.Base(filepath.Dir(real)) != "bin" || prefix == "/" {
			continue
		}
		for _, name := range []string{"bin", "lib", "lib64", "libexec", "share", "include"} {
			if folder := filepath.Join(prefix, name); isFolder(folder) {
				paths = append(paths, folder)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// interpreters are the programs that a script's first line has executed.
func (s Spec) interpreters(path string) []string {
	f, err := os.Open(s.inDir(path))
	if err != nil {
		return nil
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 256).ReadString('\n') // what is longer, the kernel cuts off
	line, ok := strings.CutPrefix(line, "#!")
	words := strings.Fields(line)
	if err != nil || !ok || len(words) == 0 {
		return nil
	}
	found := words[:1]
	if filepath.Base(words[0]) != "env" {
		return found
	}
	for _, word := range words[1:] {
		if strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
			continue
		}
		if program, err := s.inPath(word); err == nil {
			found = append(found, program)
		}
		break
	}
	return found
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
