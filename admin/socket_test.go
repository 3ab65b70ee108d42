package admin

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func openAuto(t *testing.T, folders ...string) (*socket, *observer.ObservedLogs) {
	t.Helper()
	core, logged := observer.New(zap.WarnLevel)
	s, err := openSocket("auto", folders, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close() // some tests closed it
		s.remove()
	})
	return s, logged
}

func TestSocket_AutoTakesTheFirstUsableFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "such")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "drover")
	s, _ := openAuto(t, missing, file, good)
	if s.path != filepath.Join(good, "admin.sock") {
		t.Errorf("socket %s, want it in %s", s.path, good)
	}
	for path, want := range map[string]os.FileMode{good: os.ModeDir | 0o700, s.path: os.ModeSocket | 0o600} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
	if _, err := openSocket("auto", []string{missing, file}, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "admin.socket: auto found no place") {
		t.Errorf("no usable folder: %v", err)
	}
}

func TestSocket_AutoClosesAFolderToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "drover")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	openAuto(t, dir)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v, want 0700", info.Mode(), err)
	}
}

func TestSocket_AutoPassesOverALink(t *testing.T) {
	dir := t.TempDir()
	link, good := filepath.Join(dir, "link"), filepath.Join(dir, "good")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if s, _ := openAuto(t, link, good); filepath.Dir(s.path) != good {
		t.Errorf("socket %s, want it in %s: a link is not a folder of ours", s.path, good)
	}
}

func TestSocket_SecondDroverTakesAnotherName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "drover")
	first, logged := openAuto(t, dir)
	if logged.Len() != 0 {
		t.Errorf("the first warns: %v", logged.All())
	}
	second, logged := openAuto(t, dir)
	if want := filepath.Join(dir, fmt.Sprintf("admin-%d.sock", os.Getpid())); second.path != want {
		t.Errorf("the second has %s, want %s", second.path, want)
	}
	if logged.FilterMessageSnippet("--admin").Len() != 1 {
		t.Errorf("the second says %v, want a warning", logged.All())
	}
	if got := LiveSockets([]string{"/no/such", dir}); !slices.Equal(got, []string{first.path, second.path}) {
		t.Errorf("live: %q", got)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	first.remove()
	if got := LiveSockets([]string{dir}); !slices.Equal(got, []string{second.path}) {
		t.Errorf("live after the first ended: %q", got)
	}
}

func TestSocket_ReplacesOnlyWhatWasLeftBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if _, err := openSocket(path, nil, zap.NewNop()); !errors.Is(err, errInUse) {
		t.Errorf("somebody listens: %v, want errInUse", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := openSocket("unix:"+path, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if !answers(path) {
		t.Error("nobody listens at the socket that replaced a stale one")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.remove()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a file that took the socket's place was removed: %v", err)
	}
	if _, err := openSocket(path, nil, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "a file that is not a socket is there") {
		t.Errorf("a file is there: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSocket_RefusesAPathThatIsTooLong(t *testing.T) {
	path := "/tmp/" + strings.Repeat("x", 200)
	if _, err := openSocket(path, nil, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "a socket's may have 107") {
		t.Errorf("%v, want the limit", err)
	}
	if s, err := openSocket("", nil, zap.NewNop()); s != nil || err != nil {
		t.Errorf("no socket: %v %v", s, err)
	}
}

func TestSocketFolders_Order(t *testing.T) {
	f := func(runtimeDir string, want ...string) {
		t.Helper()
		got := SocketFolders(func(string) string { return runtimeDir })
		want = append(want, "/run/drover", filepath.Join(os.TempDir(), fmt.Sprintf("drover-%d", os.Geteuid())))
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", runtimeDir, got, want)
		}
	}
	f("")
	f("relative")
	f("/run/user/1000", "/run/user/1000/drover")
}

func TestAllowUser(t *testing.T) {
	f := func(uid, own int, want bool) {
		t.Helper()
		if got := allowUser(uid, own) == nil; got != want {
			t.Errorf("user %d at the socket of %d: %v, want %v", uid, own, got, want)
		}
	}
	f(1000, 1000, true)
	f(0, 1000, true)
	f(0, 0, true)
	f(1001, 1000, false)
	f(1000, 0, false)
	f(65534, 1000, false)
}
