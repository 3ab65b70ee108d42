package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestDocs_NameEveryKind(t *testing.T) {
	page, err := os.ReadFile("../docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	listed := Kinds()
	kinds := 0
	ast.Inspect(file, func(n ast.Node) bool {
		text, ok := n.(*ast.BasicLit)
		if !ok {
			return true
		}
		kind, err := strconv.Unquote(text.Value)
		if err != nil {
			t.Fatal(err)
		}
		if kinds++; !strings.Contains(string(page), "`"+kind+"`") {
			t.Errorf("docs/logs.md does not name the kind %s", kind)
		}
		if !slices.Contains(listed, Kind(kind)) {
			t.Errorf("Kinds does not list %s", kind)
		}
		return true
	})
	if kinds < 20 || kinds != len(listed) {
		t.Errorf("%d kinds were found, and %d are listed", kinds, len(listed))
	}
}
