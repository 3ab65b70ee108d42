package logs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
)

// full is a disk with room for so many bytes.
type full struct {
	room int
	text []byte
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	f.text = append(f.text, p[:n]...)
	if n < len(p) {
		return n, &fs.PathError{Op: "write", Path: "/logs/a", Err: syscall.ENOSPC}
	}
	return n, nil
}

func TestTear_IsOneDamagedLine(t *testing.T) {
	disk, tear := &full{room: 7}, tear{}
	f := func(lines string, want int) {
		t.Helper()
		if n, err := tear.write(disk, []byte(lines)); n != want || (err == nil) != (want == len(lines)) {
			t.Errorf("%d of %q written, want %d: %v", n, lines, want, err)
		}
	}
	f("one\ntwo\n", 7)
	f("three\n", 0)
	disk.room = 3
	f("four\n", 2)
	disk.room = 100
	f("five\n", 5)
	f("six\n", 4)
	if text := string(disk.text); text != "one\ntwo\nfo\nfive\nsix\n" {
		t.Errorf("%q", text)
	}
}

func TestTroubles_AreToldOnceAndWhenTheyAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, o := &full{}, &output{}
		o.sinks.Store(&[]sink{disk})
		var told []string
		o.troubles.tell = func(place string, err error, lost uint64) {
			told = append(told, fmt.Sprint(place, ", ", err, ", ", lost))
		}
		f := func(want ...string) {
			t.Helper()
			o.write([]byte("a\nb\n"))
			if !slices.Equal(told, want) {
				t.Errorf("told %q, want %q", told, want)
			}
			told = nil
		}
		f("standard error, no space left on device, 2")
		f()
		disk.room = 2
		f()
		disk.room = 1000
		f() // perhaps just a little room
		time.Sleep(mendedAfter)
		f("standard error, <nil>, 5")
		time.Sleep(time.Hour)
		f()
		disk.room = 0
		f("standard error, no space left on device, 2")
	})
}

func TestLogs_SaysOnStandardErrorThatAFileCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full") // not Linux
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "full")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	l, err := New(config.Logging{Files: []config.LogFile{{Path: path}}}, w)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 10)
	l.OnTrouble(func(place string, err error, _ uint64) { told <- errors.Join(err, errors.New(place)) })
	l.Logger("a").Info("nobody will read this")
	l.Sync()
	if err := <-told; !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("told %v", err)
	}
	want := "drover: " + path + " cannot be written: no space left on device; what is logged there is lost\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("on standard error: %q, %v", got, err)
	}
	// A file that is not used any more is in no trouble.
	if err := l.Apply(config.Logging{}); err != nil {
		t.Fatal(err)
	}
	if l.out.troubles.any() {
		t.Error("it is still in trouble")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(told) > 0 {
		t.Errorf("told more: %v", <-told)
	}
}
