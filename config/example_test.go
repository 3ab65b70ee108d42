package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var (
	// off is a setting that is switched off: prose has exactly one space after its #.
	off        = regexp.MustCompile(`^(\s*)#(\S|\s{2,}\S)`)
	defaultTag = regexp.MustCompile(`Default: (.+?)$`)
	example    = "../config.example.yaml"
)

// switchedOn returns the text with every setting that is switched off switched on.
func switchedOn(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if off.MatchString(line) {
			lines[i] = strings.Replace(line, "#", "", 1)
		}
	}
	return strings.Join(lines, "\n")
}

// exampleKeys returns every key with the comment above it; lists as [], free
// names as NAME.
func exampleKeys(t *testing.T, text string) map[string]string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text, "\n")
	out := map[string]string{}
	free := []string{"pools", "pools.NAME.env", "logging.levels", "routes[].match.headers", "routes[].headers.request.set", "routes[].headers.response.set", "cache.warm[].value"}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch n.Kind {
		case yaml.SequenceNode:
			for _, item := range n.Content {
				walk(item, path+"[]")
			}
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				key := join(path, n.Content[i].Value)
				if slices.Contains(free, path) {
					key = path + ".NAME"
				}
				comment := ""
				for at := n.Content[i].Line - 2; at >= 0 && strings.HasPrefix(strings.TrimSpace(lines[at]), "# "); at-- {
					comment = strings.TrimSpace(lines[at])[2:] + " " + comment
				}
				if out[key] == "" {
					out[key] = strings.TrimSpace(comment)
				}
				walk(n.Content[i+1], key)
			}
		}
	}
	walk(doc.Content[0], "")
	return out
}

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExample_LoadsAsItStands(t *testing.T) {
	c, err := Load(example)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Admin.Tokens) != 0 || c.Pools["app"].Command[0] != "${DROVER}" || c.Server.Listeners[0].Address != ":8080" {
		t.Errorf("got %+v", c)
	}
	for _, l := range c.Server.Listeners {
		if l.Pool != "app" {
			t.Errorf("a listener names pool %s, so that readiness hangs on it", l.Pool)
		}
	}
	for _, r := range c.Routes {
		if r.Pool != "app" {
			t.Errorf("a route names pool %s, so that readiness hangs on it", r.Pool)
		}
	}
}

func TestExample_LoadsWithEverythingSwitchedOn(t *testing.T) {
	text := switchedOn(readExample(t))
	text = strings.Replace(text, "/run/secrets/grafana", write(t, "token", "x", 0o600), 1)
	text = strings.Replace(text, "warm.json", write(t, "warm.json", "[]", 0o600), 1)
	c := parseWith(t, text, map[string]string{"OPS_TOKEN": "x"})
	if len(c.Admin.Tokens) != 3 || len(c.Logging.Files) != 1 || len(c.IPC.Allow) != 1 || len(c.Cache.Warm) != 3 {
		t.Errorf("got %+v", c)
	}
}

// TestExample_HasExactlyTheKeysOfTheStructs, each with a sentence and its default.
func TestExample_HasExactlyTheKeysOfTheStructs(t *testing.T) {
	got := exampleKeys(t, switchedOn(readExample(t)))
	silent := []string{`""`, "[]", "{}", "none"}
	for key, want := range leafDefaults(t) {
		comment, ok := got[key]
		if !ok {
			t.Errorf("%s has no %s", example, key)
			continue
		}
		delete(got, key)
		if comment == "" {
			t.Errorf("%s says nothing of %s", example, key)
		}
		match := defaultTag.FindStringSubmatch(comment)
		switch {
		case match == nil && slices.Contains(silent, want): // required, or said to be nothing
		case match == nil:
			t.Errorf("%s does not say the default of %s, %s", example, key, want)
		case match[1] == want || sameUnit(match[1], want):
		case slices.Contains(silent, want) && (strings.HasSuffix(match[1], ".") || slices.Contains(silent, match[1])):
		case strings.HasPrefix(match[1], "the pool's") && want == "the pool's":
		case strings.HasPrefix(match[1], want+", or "):
		default:
			t.Errorf("%s says the default of %s is %s, it is %s", example, key, match[1], want)
		}
	}
	for key, comment := range got {
		if !strings.HasSuffix(key, ".NAME") && comment == "" {
			t.Errorf("%s says nothing of the section %s", example, key)
		}
	}
	known := leafDefaults(t)
	for key := range got {
		if strings.HasSuffix(key, ".NAME") {
			continue
		}
		if !slices.ContainsFunc(keysOfMap(known), func(k string) bool { return strings.HasPrefix(k, key+".") }) {
			t.Errorf("%s has %s, which is not a key", example, key)
		}
	}
}

func keysOfMap(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
