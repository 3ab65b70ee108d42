package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadEnvFile_ReadsWhatPeopleWrite(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		got, err := ReadEnvFile(write(t, "app.env", text, 0o600))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	f("")
	f("# comment\n\n  # another\n")
	f("A=1\nB = 2 \n", "A=1", "B=2")
	f("export A=1", "A=1")
	f("A=", "A=")
	f("A=b=c", "A=b=c")
	f("A=a # b\nB=#c\nC=a#b", "A=a", "B=", "C=a#b")
	f("A='x # $y \\n'\n", "A=x # $y \\n")
	f(`A="x\n\t\"\\ \$y \z" # c`, `A=x`+"\n\t"+`"\ $y \z`)
	f("A=\"one\ntwo\"\nB=3", "A=one\ntwo", "B=3")
	f("A='one\r\ntwo'\r\nB=3\r\n", "A=one\ntwo", "B=3")
	f("A=1\nB=2\nA=3\n", "A=3", "B=2")
	f("\ufeffA=1", "A=1")
	f("A=it's\n", "A=it's")
	f("A=${B}\n", "A=${B}")
}

func TestReadEnvFile_NamesTheLine(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		path := write(t, "app.env", text, 0o600)
		_, err := ReadEnvFile(path)
		if err == nil || strings.TrimPrefix(err.Error(), path) != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
	f("A=1\nB\n", `:2: "B" is not KEY=VALUE`)
	f("\n\n1A=x", `:3: "1A" is not KEY=VALUE`)
	f("=x", `:1: "" is not KEY=VALUE`)
	f("A='1\n2\n", ":1: A: the closing quote is missing")
	f("A=\"1\n2\" x\n", ":2: A: there is text after the closing quote")
	f("A=\"1\n2\"\nB=\x00\n", ":3: B has a NUL character")
}

func TestReadEnvFile_RefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	f := func(path, want string) {
		t.Helper()
		if _, err := ReadEnvFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(filepath.Join(dir, "none"), "does not exist")
	f(dir, "is not a file")
	f("/dev/zero", "is not a file")
	f(write(t, "big", strings.Repeat("#", largestEnvFile+1), 0o600), "has 1048577 bytes, more than 1MB")
}
