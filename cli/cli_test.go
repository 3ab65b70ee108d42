package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// result is what a command left behind.
type result struct {
	code        int
	out, errors string
}

// run runs a command line. Variables are pairs of name and value; everything
// else in the environment is empty.
func run(args []string, vars ...string) result { return runWith("", args, vars...) }

// runWith is run with something on standard input.
func runWith(stdin string, args []string, vars ...string) result {
	var out, errs bytes.Buffer
	env := Environment{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Version: "1.2.3",
		Getenv: func(name string) string {
			for i := 0; i < len(vars); i += 2 {
				if vars[i] == name {
					return vars[i+1]
				}
			}
			return ""
		},
		Run: func(RunOptions) int { return ExitDone },
	}
	code := Main(args, env)
	return result{code, out.String(), errs.String()}
}

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; run go test ./cli -update and look at the difference\ngot:\n%s\nwant:\n%s", path, text, want)
	}
}

func TestMain_ExitStatusAndMessage(t *testing.T) {
	f := func(args string, code int, says string) {
		t.Helper()
		r := run(strings.Fields(args))
		if r.code != code || !strings.Contains(r.out+r.errors, says) {
			t.Errorf("drover %s: status %d, want %d with %q; said:\n%s%s", args, r.code, code, says, r.out, r.errors)
		}
	}
	f("", 2, "Usage: drover <command>")
	f("--help", 0, "Usage: drover <command>")
	f("-h", 0, "Usage: drover <command>")
	f("stauts", 2, `did you mean "status"`)
	f("pancake", 2, "unexpected argument pancake")
	f("status --jsno", 2, "unknown flag --jsno")
	f("worker", 2, "drain")
	f("worker drian app-1", 2, `did you mean "drain"`)
	f("scale app", 2, "<workers>")
	f("scale app many", 2, "give 0 to 1024, or auto")
	f("scale app -3", 2, "")
	f("upstream weight a 300", 2, "weight 300 is not a number from 0 to 256")
	f("ipc send price.changed", 2, "say who gets it, with --worker ID or with --pool POOL")
	f("ipc send --worker app-1 --pool app price.changed", 2, "say who gets it, with --worker ID or with --pool POOL")
	f("ipc send --worker app-1 --pick random price.changed", 2, "--pick needs --pool")
	f("ipc send --worker app-1 price.changed hello", 2, `the data hello is not JSON; text needs quotes of its own: '"hello"'`)
	f("ipc broadcast price.changed -", 2, "what came on standard input is not JSON")
	f("ipc broadcast", 2, "<type>")
	f("ipc request --worker app-1 --timeout 2h a", 2, "--timeout: 2h0m0s is not a time from 1ms to 1h")
	f("ipc request --worker app-1 --timeout 1us a", 2, "--timeout: 1µs is not a time from 1ms to 1h")
	f("ipc request --worker app-1 --timeout 5 a", 2, "--timeout")
	f("cache get users", 2, "<key>")
	f("top --interval 1ms", 2, "--interval: 1ms is not a time from 100ms to 1m")
	f("cache purge", 2, "say what goes: a namespace and a key, --tag, --prefix or --all")
	f("cache purge users", 2, "say what goes: a namespace and a key, --tag, --prefix or --all")
	f("cache purge users 7 --all", 2, "a key, --tag, --prefix and --all do not go together")
	f("cache purge --tag a", 2, "name the namespace first: drover cache purge NAMESPACE")
	f("version", 0, "drover 1.2.3 commit ")
	f("--version", 0, "drover 1.2.3 commit ")
	f("run node server.js", 2, "put -- before the command")
	f("run --workers 4", 2, "--workers needs a command")
	f("run -c drover.yaml -- node server.js", 2, "do not go together")
	f("run", 2, "there is no ./drover.yaml; type drover -- COMMAND")
	f("status --admin nonsense", 2, "use unix:/path or http://host:port")
	f("status --admin http://", 2, "use unix:/path or http://host:port")
}

func TestMain_PassesTheCommandOn(t *testing.T) {
	f := func(args []string, want RunOptions) {
		t.Helper()
		var got RunOptions
		code := Main(args, Environment{Stdout: &bytes.Buffer{}, Stderr: os.Stderr, Getenv: os.Getenv,
			Run: func(o RunOptions) int { got = o; return 7 }})
		if code != 7 || strings.Join(got.Command, "|") != strings.Join(want.Command, "|") || got.Workers != want.Workers ||
			strings.Join(got.Listen, "|") != strings.Join(want.Listen, "|") || got.ConfigFile != want.ConfigFile ||
			got.Strategy != want.Strategy || got.Health != want.Health || (got.AdminAddress == nil) != (want.AdminAddress == nil) {
			t.Errorf("%q: status %d, options %+v, want %+v", args, code, got, want)
		}
	}
	node := []string{"node", "server.js", "--port", "80", "-h"}
	none := ""
	f(append([]string{"--"}, node...), RunOptions{Command: node})
	f(append([]string{"run", "--"}, node...), RunOptions{Command: node})
	f([]string{"--", "sh", "-c", "echo -- a"}, RunOptions{Command: []string{"sh", "-c", "echo -- a"}})
	f([]string{"--", "env", "--", "x"}, RunOptions{Command: []string{"env", "--", "x"}})
	f(append([]string{"--workers", "3", "--"}, node...), RunOptions{Command: node, Workers: "3"})
	f(append([]string{"run", "--listen", ":80", "--listen=unix:/a,b", "--strategy=random", "--health", "/h", "--"}, node...),
		RunOptions{Command: node, Listen: []string{":80", "unix:/a,b"}, Strategy: "random", Health: "/h"})
	f(append([]string{"run", "--admin-address=", "--"}, node...), RunOptions{Command: node, AdminAddress: &none})
	f([]string{"run", "-c", "some.yaml"}, RunOptions{ConfigFile: "some.yaml"})
}

func TestMain_EveryCommandHasHelpWithAnExample(t *testing.T) {
	all := []string{"run", "check", "config", "schema", "status", "workers", "pools", "top", "scale", "restart",
		"worker drain", "worker resume", "worker restart", "worker stop",
		"upstream drain", "upstream resume", "upstream maintenance", "upstream weight",
		"ipc broadcast", "ipc send", "ipc request", "cache stats", "cache get", "cache purge", "cache warm",
		"reload", "stop", "events", "sample-app", "version"}
	var text strings.Builder
	for _, command := range all {
		r := run(append(strings.Fields(command), "--help"))
		if r.code != 0 || !strings.Contains(r.out, "drover "+command) {
			t.Errorf("drover %s --help: status %d, says:\n%s%s", command, r.code, r.out, r.errors)
		}
		_, after, _ := strings.Cut(r.out, "\n")
		if !strings.Contains(after, "drover "+strings.Fields(command)[0]) {
			t.Errorf("drover %s --help shows no example:\n%s", command, r.out)
		}
		text.WriteString("$ drover " + command + " --help\n" + r.out + "\n")
	}
	golden(t, "help.txt", "$ drover --help\n"+run([]string{"--help"}).out+"\n"+text.String())
}

func TestHelp_ShowsAnExampleOfEveryCommand(t *testing.T) {
	f := func(command, example string) {
		t.Helper()
		for _, flag := range []string{"-h", "--help"} {
			r := run(append(strings.Fields(command), flag))
			if r.code != 0 || r.errors != "" || !strings.Contains(r.out, "\n    "+example+"\n") {
				t.Errorf("drover %s %s: status %d, no example %q in\n%s%s", command, flag, r.code, example, r.out, r.errors)
			}
		}
	}
	f("run", "drover run -- node server.js")
	f("run", "drover run -c drover.yaml")
	f("check", "drover check -c drover.yaml")
	f("config", "drover config -c drover.yaml")
	f("schema", "drover schema > drover.schema.json")
	f("status", "drover status")
	f("workers", "drover workers")
	f("pools", "drover pools")
	f("top", "drover top --once | grep app-3")
	f("scale", "drover scale app 8")
	f("restart", "drover restart app --wait")
	f("reload", "drover reload")
	f("stop", "drover stop --now")
	f("events", "drover events")
	f("sample-app", "PORT=3000 drover sample-app")
	f("version", "drover version")
	f("worker", "drover worker drain app-3")
	for _, verb := range []string{"drain", "resume", "restart", "stop"} {
		f("worker "+verb, "drover worker drain app-3")
	}
	f("upstream", "drover upstream drain 10.0.0.5:8080")
	for _, verb := range []string{"drain", "resume", "maintenance"} {
		f("upstream "+verb, "drover upstream drain 10.0.0.5:8080")
	}
	f("upstream weight", "drover upstream weight 10.0.0.5:8080 3")
	f("ipc", `drover ipc broadcast price.changed '{"sku": 42}'`)
	f("ipc broadcast", `drover ipc broadcast price.changed '{"sku": 42}'`)
	f("ipc send", `drover ipc send --worker app-3 log.level '"debug"'`)
	f("ipc request", "drover ipc request --worker app-3 price.get 42")
	f("cache", "drover cache stats")
	f("cache stats", "drover cache stats")
	f("cache get", "drover cache get users 7")
	f("cache purge", "drover cache purge users --tag team:1")
	f("cache warm", "drover cache warm --replace")
}
