package config

import (
	"errors"
	"strings"
	"testing"
)

func TestForCommand_IsOnePoolBehindEachListener(t *testing.T) {
	none := ""
	c, err := ForCommand(CommandOptions{
		Listen: []string{":8080", "unix:/tmp/app.sock"}, Workers: "3", Strategy: "random", Health: "/health",
		AdminAddress: &none, Command: []string{"true", "${PORT}", "$x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Pools["app"]
	if len(c.Server.Listeners) != 2 || c.Server.Listeners[1].Pool != "app" || c.Server.Listeners[0].Name != ":8080" || c.Admin.Address != "" {
		t.Errorf("got %+v", c)
	}
	if p.Workers != 3 || p.Strategy != "random" || p.HealthCheck.Endpoint != "/health" || p.Command[1] != "${PORT}" || p.Command[2] != "$x" {
		t.Errorf("got %+v", p)
	}
}

func TestForCommand_HasTheDefaultsOfAFile(t *testing.T) {
	c, err := ForCommand(CommandOptions{Command: []string{"true"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(parse(t, minimal), c); !d.Empty() {
		t.Errorf("differs from the smallest file: %+v", d)
	}
}

func TestForCommand_NamesTheOptions(t *testing.T) {
	f := func(o CommandOptions, want ...string) {
		t.Helper()
		if o.Command == nil {
			o.Command = []string{"true"}
		}
		_, err := ForCommand(o)
		var faults Faults
		if !errors.As(err, &faults) || err.Error() != strings.Join(want, "\n") {
			t.Errorf("got  %v\nwant %s", err, strings.Join(want, "\n"))
		}
	}
	bad := "unix:/x"
	f(CommandOptions{Listen: []string{"8080"}}, `--listen: "8080" is not an address; write host:port, such as 127.0.0.1:8080, or unix:/path`)
	f(CommandOptions{Workers: "many"}, `--workers: "many" is not a number of workers; write a whole number from 0 to 1024, or auto`)
	f(CommandOptions{Workers: "9999", Health: "x"}, `--health: "x" does not begin with /; write "/x"`, `--workers: 9999 is out of range; use 0 to 1024`)
	f(CommandOptions{Strategy: "best"}, `--strategy: "best" is not known; use one of least-connections, round-robin, weighted-round-robin, health-aware, random, power-of-two, least-response-time, consistent-hash`)
	f(CommandOptions{Command: []string{"no-such-command"}}, `COMMAND: "no-such-command": command not found in PATH; install it, correct the name, or write the path of the program`)
	f(CommandOptions{Command: []string{}}, `COMMAND: has neither a command nor upstreams; add command: [PROGRAM, ARGUMENT], or upstreams with addresses`)
	f(CommandOptions{AdminAddress: &bad}, `--admin-address: "unix:/x" is a Unix socket; write the path in admin.socket; admin.address is host:port, or empty for none`)
}
