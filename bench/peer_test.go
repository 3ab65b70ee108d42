package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPeers_SettingsRender(t *testing.T) {
	for _, p := range peers() {
		if p.settings == "" {
			continue
		}
		for strategy, balance := range p.balance {
			for _, mode := range []string{"http", "tcp"} {
				path := filepath.Join(t.TempDir(), "settings")
				err := render(p.settings, path, site{Dir: "/d", Log: "/d/log", Listen: "127.0.0.1:1", Admin: "127.0.0.1:2", Mode: mode, Balance: balance,
					Backends: []endpoint{{Address: "127.0.0.1:3", Weight: 7}, {Address: "/s", Unix: true}}})
				if err != nil {
					t.Errorf("%s, %s: %v", p.name, strategy, err)
					continue
				}
				raw, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range []string{"127.0.0.1:3", balance} {
					if !strings.Contains(string(raw), want) || strings.Contains(string(raw), "{{") {
						t.Errorf("%s, %s: settings are not complete, %q is to be there:\n%s", p.name, strategy, want, raw)
					}
				}
			}
		}
	}
}

func TestPeers_EveryStrategyStandsBesideHAProxy(t *testing.T) {
	for _, strategy := range strategies {
		s := scenario{mode: "http", backends: many, strategy: strategy}
		var taking []string
		for _, p := range peers() {
			if p.takesPart(s) {
				taking = append(taking, p.name)
			}
		}
		if !slices.Contains(taking, "drover") || !slices.Contains(taking, baseline) {
			t.Errorf("%s is measured for %v alone", strategy, taking)
		}
	}
	for _, p := range peers() {
		for strategy := range p.balance {
			if !slices.Contains(strategies, strategy) {
				t.Errorf("%s has a word for %q, which is no strategy", p.name, strategy)
			}
		}
	}
}

func TestPeers_TakePartWhereTheyCan(t *testing.T) {
	f := func(s scenario, want ...string) {
		t.Helper()
		var taking []string
		for _, p := range peers() {
			if p.takesPart(s) && p.name != "drover-versus" {
				taking = append(taking, p.name)
			}
		}
		if !slices.Equal(taking, want) {
			t.Errorf("%v take part; want %v", taking, want)
		}
	}
	f(scenario{mode: "http"}, "haproxy", "nginx", "caddy", "httputil", "drover")
	f(scenario{mode: "http", backends: overUnix}, "haproxy", "haproxy-unix", "nginx", "caddy", "httputil", "drover")
	f(scenario{mode: "tcp"}, "haproxy", "httputil", "drover")
	f(scenario{mode: "http", backends: many, strategy: "round-robin"}, "haproxy", "nginx", "caddy", "httputil", "drover")
	f(scenario{mode: "http", backends: many, strategy: "health-aware"}, "haproxy", "drover")
}
