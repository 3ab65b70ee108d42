package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/supervisor"
)

// parsed are the Go files of a folder, without its tests.
func parsed(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// constants are the texts that have names in these files, of the type where one
// is given, else those whose names begin with prefix.
func constants(t *testing.T, pattern, kind, prefix string) []string {
	t.Helper()
	var found []string
	for _, file := range parsed(t, pattern) {
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if of, _ := v.Type.(*ast.Ident); kind != "" && (of == nil || of.Name != kind) || !strings.HasPrefix(v.Names[0].Name, prefix) {
					continue
				}
				for _, value := range v.Values {
					found = append(found, texts(t, value)...)
				}
			}
		}
	}
	return found
}

// returned are the texts that a function returns.
func returned(t *testing.T, file, function string) []string {
	t.Helper()
	var found []string
	for _, f := range parsed(t, file) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == function {
				ast.Inspect(fn, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok {
						found = append(found, texts(t, r)...)
					}
					return true
				})
			}
		}
	}
	return found
}

// texts are the literal texts below a node.
func texts(t *testing.T, n ast.Node) []string {
	t.Helper()
	var found []string
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, s)
		}
		return true
	})
	return found
}

// rows are the names in the first columns of the tables below a heading, where
// the last columns, cause and remedy, say something.
func rows(page, heading string) []string {
	_, section, _ := strings.Cut(page, "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 3 || strings.TrimSpace(cells[len(cells)-1]) == "" || strings.TrimSpace(cells[len(cells)-2]) == "" {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			names = append(names, m[1])
		}
	}
	return names
}

// docs/operations.md promises symptom, cause and remedy for whatever a pool and
// its workers can be in, leave for, or tell.
func TestDocs_OperationsTellOfEveryStateReasonAndEvent(t *testing.T) {
	raw, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	f := func(heading string, least int, names ...string) {
		t.Helper()
		if len(names) < least {
			t.Errorf("%s: only %q were found in the code", heading, names)
		}
		told := rows(string(raw), heading)
		for _, name := range names {
			if !slices.Contains(told, name) {
				t.Errorf("docs/operations.md has no row for `%s` below %q", name, heading)
			}
		}
	}
	var states, routing []string
	for _, s := range supervisor.States() {
		states = append(states, s.String())
	}
	f("The state of a worker", 7, states...)
	for s := pool.Starting; s < pool.Removed; s++ { // what is removed is not shown
		routing = append(routing, s.String())
	}
	f("Health", 4, routing...)
	f("Health", 3, returned(t, "state.go", "routingState")...)
	f("Health", 1, returned(t, "supervisor/status.go", "health")...)
	f("Health", 3, admin.Healthy, admin.Degraded, admin.Unhealthy)
	f("Why a worker left", 18, constants(t, "supervisor/*.go", "Reason", "")...)
	f("Why a worker left", 5, constants(t, "process/*.go", "", "Evidence")...)
	f("What events say", 36, constants(t, "event/*.go", "Kind", "")...)
	f("A limit does not hold", 6, constants(t, "process/*.go", "Level", "")...)
	f("The number of workers is not what it should be", 7, constants(t, "autoscale/*.go", "Reason", "")...)
	f("The number of workers is not what it should be", 5, constants(t, "autoscale/*.go", "Block", "")...)
	f("Requests fail", 17, constants(t, "proxy/ends.go", "", "end")...)
}
