package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// terminal is a real pseudo terminal with a command on it, and the screen that
// a person would see.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	screen *vt.SafeEmulator
	done   chan struct{}

	mu  sync.Mutex
	raw strings.Builder // all that came
}

// openTerminal runs a command of the instance's drover on a terminal of its own.
func openTerminal(d *instance, width, height int, env []string, args ...string) *terminal {
	d.t.Helper()
	x := &terminal{t: d.t, screen: vt.NewSafeEmulator(width, height), done: make(chan struct{})}
	x.cmd = exec.Command(d.binary, args...)
	x.cmd.Env = append(append(d.env, "DROVER_ADMIN=http://"+d.admin, "TERM=xterm-256color"), env...)
	master, err := pty.StartWithSize(x.cmd, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)})
	if err != nil {
		d.t.Fatal(err)
	}
	x.master = master
	var copying sync.WaitGroup
	copying.Go(func() { _, _ = io.Copy(x, master) }) // ends with EIO when the command does
	go func() { _, _ = io.Copy(master, x.screen) }() // what terminals answer to questions
	go func() {
		copying.Wait()
		_ = x.cmd.Wait() // its status is in ProcessState
		close(x.done)
	}()
	d.t.Cleanup(func() {
		_ = x.cmd.Process.Kill() // it may have ended
		<-x.done
		_ = master.Close() // the screen is read until the test's end: to close it meanwhile is a race within the emulator
	})
	return x
}

// Write takes what the command writes.
func (x *terminal) Write(p []byte) (int, error) {
	x.mu.Lock()
	x.raw.Write(p)
	x.mu.Unlock()
	return x.screen.Write(p)
}

func (x *terminal) text() string { return ansi.Strip(x.screen.Render()) }

func (x *terminal) written() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.String()
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := x.master.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// shows waits until the screen matches a pattern.
func (x *terminal) shows(pattern string) {
	x.t.Helper()
	want := regexp.MustCompile(pattern)
	eventually(x.t, "the screen shows "+pattern, func() error {
		if text := x.text(); !want.MatchString(text) {
			return fmt.Errorf("it shows\n%s", text)
		}
		return nil
	})
}

// leave presses q; the command must end with 0 and give the screen back.
func (x *terminal) leave() {
	x.t.Helper()
	x.press("q")
	select {
	case <-x.done:
	case <-time.After(patience):
		x.t.Fatalf("q does not end it; it shows\n%s", x.text())
	}
	if code := x.cmd.ProcessState.ExitCode(); code != 0 || x.screen.IsAltScreen() {
		x.t.Errorf("it ended with %d, and the screen is the other one: %v", code, x.screen.IsAltScreen())
	}
}

const topSettings = `
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
pools:
  app:
    command: ["${DIR}/drover", sample-app]
    workers: 2
`

var colour = regexp.MustCompile("\x1b\\[[0-9;]*3[1-7]m")

func TestTop_ShowsAndOperatesOnARealTerminal(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(topSettings)
	d.waitRunning(2)
	load := startLoad(d, 50, getKind())
	defer load.end()

	x := openTerminal(d, 110, 20, nil, "top", "--interval", "200ms")
	x.shows(`app +healthy +2 of 2 +[1-9][0-9.]+ +[0-9.]+ ms +0.0%`)
	x.shows(`app-1.1 +running +healthy +[1-9]`)
	if text := x.written(); !colour.MatchString(text) {
		t.Errorf("without colours: %q", text)
	}
	x.press("+")
	x.shows(`scale app from 2 to 3 workers\? y/n`)
	x.press("y")
	d.waitRunning(3)
	x.shows(`app +healthy +3 of 3`)
	x.shows(`app-3.1 +running +healthy`)
	x.press("\tj") // the second worker
	x.shows(`> app-2.1`)
	x.press("dy")
	x.shows(`app-2.1 +running +healthy, drained`)
	x.press("uy")
	x.shows(`app-2.1 +running +healthy +[0-9]`)
	x.press("ry")
	x.shows(`app-1.2 +running +healthy`)
	x.shows(`app +healthy +3 of 3`) // without: rolling

	x.screen.Resize(52, 12)
	if err := pty.Setsize(x.master, &pty.Winsize{Rows: 12, Cols: 52}); err != nil {
		t.Fatal(err)
	}
	x.shows(`(?m)^\? help .*…`) // what does not fit is cut, or left out
	if text := x.text(); strings.Contains(text, "RESTARTS") {
		t.Errorf("on 52 columns:\n%s", text)
	}
	x.press("/app-3")
	x.shows(`(?s)app-3.2.*/app-3_`)
	x.press("\r")
	x.shows(`only lines with "app-3"`)
	x.leave()
}

func TestTop_KeepsToNoColorAndSaysWhenDroverIsGone(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(topSettings)
	x := openTerminal(d, 110, 20, []string{"NO_COLOR=1"}, "top", "--interval", "100ms")
	x.shows(`app-2.1 +running +healthy`)
	if code, _, stderr := d.cli("stop"); code != 0 {
		t.Fatalf("drover stop: %d %s", code, stderr)
	}
	d.wait()
	x.shows(`as it was at [0-9:]+: no drover answers`)
	x.leave()
	if found := colour.FindString(x.written()); found != "" {
		t.Errorf("NO_COLOR, but %q was written", found)
	}
}

func TestTop_InAPipeIsOneTable(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(topSettings)
	d.waitRunning(2)
	code, stdout, stderr := d.cli("top", "--interval", "100ms")
	if code != 0 || stderr != "" || strings.Contains(stdout, "\x1b") || !regexp.MustCompile(`app-2.1 +running +healthy +0.0`).MatchString(stdout) {
		t.Errorf("status %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr := d.cli("top", "--interval", "1h"); code != 2 || !strings.Contains(stderr, "is not a time from 100ms to 1m") {
		t.Errorf("status %d, %s", code, stderr)
	}
}
