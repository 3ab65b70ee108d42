package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// declared is every function, type, method and field of the packages that a
// request goes through, by each of its names: Do, Client.Do, exchange.Client.Do.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	add := func(parts ...string) {
		for i := range parts {
			names[strings.Join(parts[i:], ".")] = true
		}
	}
	for _, dir := range []string{"proxy", "proxy/exchange", "pool", "strategy"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				declare(d, func(parts ...string) { add(append([]string{file.Name.Name}, parts...)...) })
			}
		}
	}
	return names
}

// declare gives what a declaration declares to add: a name, or a type and a
// member of it.
func declare(d ast.Decl, add func(parts ...string)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			add(d.Name.Name)
			return
		}
		of := d.Recv.List[0].Type
		if p, ok := of.(*ast.StarExpr); ok {
			of = p.X
		}
		if p, ok := of.(*ast.IndexExpr); ok {
			of = p.X
		}
		add(of.(*ast.Ident).Name, d.Name.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			s, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			add(s.Name.Name)
			if is, ok := s.Type.(*ast.InterfaceType); ok {
				for _, m := range is.Methods.List {
					for _, n := range m.Names {
						add(s.Name.Name, n.Name)
					}
				}
			}
		}
	}
}

// settingKeys is every key of config.example.yaml, by each end of its path:
// server.limits and limits.
func settingKeys(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	var walk func(n *yaml.Node, path []string)
	walk = func(n *yaml.Node, path []string) {
		for i := range path {
			keys[strings.Join(path[i:], ".")] = true
		}
		for i, c := range n.Content {
			switch {
			case n.Kind != yaml.MappingNode:
				walk(c, path)
			case i%2 == 1:
				walk(c, append(path[:len(path):len(path)], n.Content[i-1].Value))
			}
		}
	}
	walk(&root, nil)
	return keys
}

// docs/request.md promises that the names in it exist.
func TestDocs_TheWalkOfARequestNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("docs/request.md")
	if err != nil {
		t.Fatal(err)
	}
	code, keys := declared(t), settingKeys(t)
	elsewhere := map[string]string{
		"code":         "says how names are set",
		"Host":         "a header field",
		"RawConn.Read": "of package syscall",
		"poll(2)":      "a system call",
	}
	found := 0
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(text), -1) {
		name := m[1]
		switch {
		case code[name]:
			found++
		case keys[name], elsewhere[name] != "":
		case strings.Contains(name, "/"):
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		default:
			t.Errorf("docs/request.md names %s, which is neither in the code nor a setting", name)
		}
	}
	if found < 40 {
		t.Errorf("only %d names of the code were found", found)
	}
}
