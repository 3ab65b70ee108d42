package privatedir

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMake_ClosesWhatIsOurs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Make(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v: want 0700", info, err)
		}
	}
}

func TestMake_RefusesWhatOthersCouldHaveMade(t *testing.T) {
	place := t.TempDir()
	own := filepath.Join(place, "own")
	link, file := filepath.Join(place, "link"), filepath.Join(place, "file")
	for _, err := range []error{os.Mkdir(own, 0o700), os.Symlink(own, link), os.WriteFile(file, nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f := func(dir string) {
		t.Helper()
		if err := Make(dir); err == nil {
			t.Errorf("%s was taken", dir)
		}
	}
	f(link)
	f(file)
	f(filepath.Join(place, "gone", "below"))
	if os.Geteuid() == 0 {
		foreign := filepath.Join(place, "foreign")
		if err := os.Mkdir(foreign, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		f(foreign)
	}
}
