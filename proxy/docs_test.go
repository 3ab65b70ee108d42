package proxy

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// constants returns the values of the text constants in a file.
func constants(t *testing.T, name string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
					text, _ := strconv.Unquote(lit.Value) // it was parsed
					values = append(values, text)
				}
			}
		}
		return true
	})
	return values
}

func TestDocs_SayWhatEachEndMeans(t *testing.T) {
	ends := constants(t, "ends.go")
	if len(ends) < 17 {
		t.Fatalf("%d ends: %v", len(ends), ends)
	}
	text := func(name string) string {
		b, err := os.ReadFile("../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	logs, operations, metrics := text("logs.md"), text("operations.md"), text("metrics.md")
	for _, end := range ends {
		quoted := "`" + end + "`"
		if !strings.Contains(logs, quoted) {
			t.Errorf("docs/logs.md does not list %s", end)
		}
		explained := false
		for row := range strings.Lines(operations) {
			first, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
			explained = explained || strings.HasPrefix(row, "|") && strings.Contains(first, quoted)
		}
		if !explained && end != endOK {
			t.Errorf("docs/operations.md has no row for %s", end)
		}
	}
	for _, reason := range []string{tooManyConnections, tooManyFromAddress} {
		if !strings.Contains(metrics, "`"+reason+"`") {
			t.Errorf("docs/metrics.md does not list %s", reason)
		}
	}
}
