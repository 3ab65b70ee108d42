package config

import (
	"embed"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"strings"
)

// sources are the files that hold the structs: the comment above a field is
// also its description in the schema, so that it is written once.
//
//go:embed config.go server.go route.go pool.go worker.go autoscaling.go operate.go logging.go ipc.go cache.go resources.go security.go
var sources embed.FS

// describe returns the comment of each field, as in "Pool.Workers".
func describe() (map[string]string, error) {
	out := map[string]string{}
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, entry := range files {
		text, err := sources.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), entry.Name(), text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if fields, ok := spec.Type.(*ast.StructType); ok {
				describeFields(out, spec.Name.Name, fields)
			}
			return false
		})
	}
	return out, nil
}

func describeFields(out map[string]string, owner string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			out[owner+"."+name.Name] = strings.TrimSpace(strings.ReplaceAll(f.Doc.Text(), "\n", " "))
		}
	}
}
