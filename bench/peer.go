package main

import (
	"embed"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"text/template"
)

//go:embed peers
var settingsFiles embed.FS

// peer is one proxy that is measured.
type peer struct {
	name     string
	binary   string            // program name, or key of lab.bins
	pkg      string            // Debian package, when it comes from one
	source   string            // Go package, when it is built here
	settings string            // template in peers/
	tcp      bool              // has a Layer-4 mode
	unixOnly bool              // takes part in the unix scenario only
	tcpOnly  bool              // in the unix scenario it keeps TCP upstreams
	balance  map[string]string // its words for drover's strategies
	argv     func(binary string, s site) []string
	env      []string
}

// site is where one peer runs in one scenario; the settings' templates read it.
type site struct {
	Dir, Settings, Log string
	Listen, Admin      string
	Mode               string
	Balance            string // the strategy, in the peer's words
	Backends           []endpoint
}

// Kept is how many idle connections to upstreams must be kept where that has to be said: what 64 clients
// leave behind at all of them.
func (s site) Kept() int { return max(64, 2*len(s.Backends)) }

func peers() []peer {
	haproxy := peer{name: "haproxy", binary: "haproxy", pkg: "haproxy", settings: "haproxy.cfg", tcp: true, tcpOnly: true,
		balance: map[string]string{
			"round-robin": "roundrobin", "least-connections": "leastconn", "weighted-round-robin": "roundrobin", "health-aware": "roundrobin",
			"random": "random(1)", "power-of-two": "random(2)", "least-response-time": "leastconn", "consistent-hash": "uri\n    hash-type consistent",
		},
		argv: func(binary string, s site) []string { return []string{binary, "-db", "-f", s.Settings} }}
	haproxyUnix := haproxy
	haproxyUnix.name, haproxyUnix.tcpOnly, haproxyUnix.unixOnly = "haproxy-unix", false, true
	drover := peer{name: "drover", binary: "drover", source: ".", settings: "drover.yaml", tcp: true, env: []string{"GOMAXPROCS=1"},
		balance: make(map[string]string),
		argv:    func(binary string, s site) []string { return []string{binary, "run", "-c", s.Settings} }}
	for _, name := range strategies {
		drover.balance[name] = name
	}
	versus := drover
	versus.name, versus.binary, versus.source = "drover-versus", "drover-versus", ""
	return []peer{
		haproxy,
		haproxyUnix,
		{name: "nginx", binary: "nginx", pkg: "nginx-light", settings: "nginx.conf",
			balance: map[string]string{
				"round-robin": "", "least-connections": "least_conn;", "weighted-round-robin": "",
				"random": "random;", "power-of-two": "random two least_conn;", "consistent-hash": "hash $request_uri consistent;",
			},
			argv: func(binary string, s site) []string {
				return []string{binary, "-c", s.Settings, "-e", s.Dir + "/error.log"}
			}},
		{name: "caddy", binary: "caddy", pkg: "caddy", settings: "Caddyfile", env: []string{"GOMAXPROCS=1"},
			balance: map[string]string{
				"round-robin": "round_robin", "least-connections": "least_conn", "random": "random", "power-of-two": "random_choose 2", "consistent-hash": "uri_hash",
			},
			argv: func(binary string, s site) []string {
				return []string{binary, "run", "--config", s.Settings, "--adapter", "caddyfile"}
			}},
		{name: "httputil", binary: "httputil", source: "./bench/httputil", tcp: true, env: []string{"GOMAXPROCS=1"},
			balance: map[string]string{"round-robin": ""},
			argv: func(binary string, s site) []string {
				argv := []string{binary, "-listen", s.Listen, "-mode", s.Mode, "-log", s.Log}
				for _, b := range s.Backends {
					argv = append(argv, b.Address)
				}
				return argv
			}},
		drover,
		versus,
	}
}

func peerNames() []string {
	var names []string
	for _, p := range peers() {
		if p.name != "drover-versus" {
			names = append(names, p.name)
		}
	}
	return names
}

// wanted returns the peers that the flags ask for; HAProxy is always among them, as everything is
// measured against it.
func (l *lab) wanted() ([]peer, error) {
	names := make(map[string]bool)
	for name := range strings.SplitSeq(l.options.peers, ",") {
		names[name] = true
	}
	all := names["all"]
	var chosen []peer
	for _, p := range peers() {
		switch {
		case p.name == "drover-versus":
			if l.options.versus != "" {
				chosen = append(chosen, p)
			}
		case all, names[p.name], p.pkg == "haproxy":
			chosen = append(chosen, p)
		}
		delete(names, p.name)
	}
	delete(names, "all")
	for name := range names {
		return nil, fmt.Errorf("there is no proxy %q; there are %s", name, strings.Join(peerNames(), ", "))
	}
	return chosen, nil
}

// measuring says whether a peer is among those wanted.
func (l *lab) measuring(name string) bool {
	wanted, err := l.wanted()
	return err == nil && slices.ContainsFunc(wanted, func(p peer) bool { return p.name == name })
}

// takesPart says whether the peer can do the scenario's work.
func (p peer) takesPart(s scenario) bool {
	_, balances := p.balance[s.strategy]
	return (s.mode == "http" || p.tcp) && (s.backends == overUnix || !p.unixOnly) && (s.strategy == "" || balances)
}

// render writes the settings of a program.
func render(name, path string, values any) error {
	t, err := template.ParseFS(settingsFiles, "peers/"+name)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := t.Execute(out, values); err != nil {
		return fmt.Errorf("settings %s: %w", name, err)
	}
	return out.Close()
}

// freeAddress returns a loopback address that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
