package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What must not start says what is wrong, where, and what to do, and leaves nothing running (try looks).

// refuses runs a command without a settings file and expects an end with status 1 or 2.
func refuses(t *testing.T, d *instance, command []string, mentions ...string) {
	t.Helper()
	code, output := d.try(append(d.commandFlags("--workers", "2", "--"), command...)...)
	expectEnd(t, code, []int{1, 2}, output, mentions...)
}

func expectEnd(t *testing.T, code int, codes []int, output string, mentions ...string) {
	t.Helper()
	good := false
	for _, c := range codes {
		good = good || c == code
	}
	if !good {
		t.Errorf("ended with %d, want one of %v:\n%s", code, codes, output)
	}
	for _, part := range mentions {
		if !strings.Contains(output, part) {
			t.Errorf("the output does not mention %q:\n%s", part, output)
		}
	}
	if strings.Contains(output, "goroutine ") {
		t.Errorf("the output is a crash of drover:\n%s", output)
	}
}

func TestBadCommand_NotFound(t *testing.T) {
	t.Parallel()
	refuses(t, newInstance(t), []string{"no-such-program-here"}, "no-such-program-here", "PATH")
	refuses(t, newInstance(t), []string{"/no/such/program"}, "/no/such/program")
}

func TestBadCommand_NotExecutable(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	path := filepath.Join(d.dir, "server.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, d, []string{path}, path, "chmod")
}

func TestBadCommand_ExitsAtOnce(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"0", "1"} {
		code, output := func() (int, string) {
			d := newInstance(t)
			return d.try(append(d.commandFlags("--workers", "2", "--"), "sh", "-c", "echo the reason is this; exit "+status)...)
		}()
		// The last lines of the workers' output are the reason that a person looks for.
		expectEnd(t, code, []int{1}, output, "the reason is this", "exit status "+status)
	}
}

// startTimeoutSettings give a worker a second to become ready.
const startTimeoutSettings = `
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: COMMAND
    workers: 2
    processManagement: { startTimeout: 1s, gracefulShutdownTimeout: 500ms }
admin: { address: "${ADMIN}" }
`

func TestBadCommand_NeverListens(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	code, output := d.try("run", "-c", d.settings(strings.Replace(startTimeoutSettings, "COMMAND", `[sh, -c, "echo nothing to see; exec sleep 600"]`, 1)))
	expectEnd(t, code, []int{1}, output, "nothing to see", "listen")
}

func TestBadCommand_ListensElsewhere(t *testing.T) {
	t.Parallel()
	_, command := testWorker(t, "elsewhere")
	d := newInstance(t)
	code, output := d.try("run", "-c", d.settings(strings.Replace(startTimeoutSettings, "COMMAND", command, 1)))
	expectEnd(t, code, []int{1}, output, "listen", "PORT")
}

func TestBadCommand_ItsOwnPortIsTaken(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	taken := listen(t)
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// The program insists on a port of its own, as many do.
	refuses(t, d, []string{"env", "PORT=" + port, goServer(t)}, "address already in use")
}

// A foreign listener on the worker's port must never be taken for the worker.
func TestBadCommand_AnotherProgramHasItsPort(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	d := newInstance(t)
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d.setenv("TAKEN", port)
	code, output := d.try("run", "-c", d.settings(strings.Replace(startTimeoutSettings, "COMMAND",
		`[sh, -c, "echo I listen on ${TAKEN}, truly; exec sleep 600"]`, 1)))
	expectEnd(t, code, []int{1}, output, "truly")
}

func TestPortInUse_Listener(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.front = listen(t).Addr().String()
	refuses(t, d, []string{goServer(t)}, d.front, "in use")
}

func TestPortInUse_Admin(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.admin = listen(t).Addr().String()
	refuses(t, d, []string{goServer(t)}, d.admin, "in use")
}

// listen opens a loopback listener that lives as long as the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestBadSettings_SayWhatAndWhere(t *testing.T) {
	t.Parallel()
	const good = `server:
  listeners: [ { address: "${FRONT}", pool: app } ]
pools:
  app:
    command: [sleep, "600"]
admin: { address: "${ADMIN}" }
`
	d := newInstance(t)
	f := func(name, text string, mentions ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			path := d.settings(text)
			for _, command := range []string{"check", "run"} {
				code, output := d.try(command, "-c", path)
				expectEnd(t, code, []int{2}, output, append(mentions, "drover.yaml")...)
			}
		})
	}
	f("empty", "", "empty")
	f("only a comment", "# nothing\n", "empty")
	f("a list", "- server\n- pools\n", "drover.yaml:1")
	f("a word", "hello\n", "drover.yaml:1")
	f("a tab", "server:\n\tlisteners: []\n", "drover.yaml:2", "tab")
	f("not YAML", "server: {\n", "drover.yaml:")
	f("a duplicate key", good+"admin: { socket: auto }\n", "drover.yaml:7", "admin")
	f("an unknown key", strings.Replace(good, "command:", "comand:", 1), "drover.yaml:5", "comand", "did you mean", "command")
	f("a key of a feature that is not there", good+"cluster: { enabled: true }\n", "drover.yaml:7", "cluster")
	f("a wrong type", strings.Replace(good, `[sleep, "600"]`, "{ a: b }", 1), "drover.yaml:5", "pools.app.command")
	f("a number that is none", good+"    \nmonitoring: { sampleInterval: soon }\n", "sampleInterval", "soon")
	f("out of range", strings.Replace(good, `[sleep, "600"]`, `[sleep, "600"]`+"\n    workers: 100000", 1), "drover.yaml:6", "pools.app.workers", "100000")
	f("a pool that is not there", strings.Replace(good, "pool: app", "pool: ap", 1), "drover.yaml:2", "ap")
	f("a strategy that is not there", strings.Replace(good, `[sleep, "600"]`, `[sleep, "600"]`+"\n    strategy: least-conections", 1), "drover.yaml:6", "least-conections", "least-connections")
	f("a command that is not there", strings.Replace(good, "[sleep", "[/no/such/program", 1), "drover.yaml:5", "/no/such/program")
	f("several at once", strings.NewReplacer("pool: app", "pool: ap", "[sleep", "[/no/such/program").Replace(good), "drover.yaml:2", "drover.yaml:5")
}

func TestBadSettings_MissingFile(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	for _, command := range []string{"check", "run", "config"} {
		code, output := d.try(command, "-c", "no-such-file.yaml")
		expectEnd(t, code, []int{2}, output, "no-such-file.yaml")
	}
	// Without a file and without a command drover says what to type.
	code, output := d.try("run")
	expectEnd(t, code, []int{2}, output, "drover.yaml", "drover -- ")
}

func TestBadSettings_MissingVariable(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	path := d.settings("server: { listeners: [ { address: \"${FRONT}\", pool: app } ] }\npools: { app: { command: [\"${NOT_SET_ANYWHERE}\"] } }\n")
	code, output := d.try("check", "-c", path)
	expectEnd(t, code, []int{2}, output, "drover.yaml:2", "NOT_SET_ANYWHERE")
}

func TestCommandLine_WrongUseEndsWith2(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	f := func(args ...string) {
		t.Helper()
		if code, output := d.try(args...); code != 2 || output == "" {
			t.Errorf("drover %s ended with %d: %q", strings.Join(args, " "), code, output)
		}
	}
	f("no-such-command")
	f("run", "--no-such-flag")
	f("run", "--workers", "some", "--", "sleep", "600")
	f("run", "--strategy", "nonsense", "--", "sleep", "600")
	f("run", "--listen", "nonsense", "--", "sleep", "600")
	f("scale", "app")
	f("run", "--")
}

func TestBadSettings_SchemasOfMessages(t *testing.T) {
	t.Parallel()
	f := func(schema, more, says string) {
		t.Helper()
		d := newInstance(t)
		if err := os.WriteFile(filepath.Join(d.dir, "task.json"), []byte(schema), 0o600); err != nil {
			t.Fatal(err)
		}
		file := d.settings(mixed + "ipc: { schemas: { \"task.*\": task.json }, " + more + " }\n")
		for _, command := range []string{"check", "run"} {
			code, output := d.try(command, "-c", file)
			expectEnd(t, code, []int{2}, output, `ipc.schemas["task.*"]`, says)
		}
	}
	f(`{"type": "objekt"}`, "", "task.json: this is no schema")
	f(`{"$ref": "other.json"}`, "", "$ref may only lead to a place in the same file")
	f(`{"type": "object", "if": {}}`, "encryption: on", "if")
}
