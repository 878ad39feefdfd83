package postpress_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every exported identifier of every package of this module that others can
// import says what it is for, and so does every package. A group of constants
// may say it in one comment above.
func TestEverythingExportedIsDocumented(t *testing.T) {
	packages := map[string][]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (d.Name() == "testdata" || d.Name() == "internal" || d.Name() == "examples" || d.Name()[0] == '.'):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			dir := filepath.Dir(path)
			packages[dir] = append(packages[dir], path)
		}
		return nil
	}))
	require.Subset(t, keys(packages), []string{".", "qr", "postpresstest"})
	for dir, files := range packages {
		described := false
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			require.NoError(t, err)
			described = described || file.Doc.Text() != ""
			for _, missing := range undocumented(file) {
				assert.Fail(t, "no doc comment", "%s: %s", name, missing)
			}
		}
		assert.True(t, described, "package %s has no documentation", dir)
	}
}

func keys[V any](m map[string]V) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func undocumented(file *ast.File) (missing []string) {
	report := func(name string, docs ...*ast.CommentGroup) {
		for _, d := range docs {
			if d.Text() != "" {
				return
			}
		}
		missing = append(missing, name)
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if receiver := receiverName(decl); decl.Name.IsExported() && (receiver == "" || ast.IsExported(receiver)) {
				report(receiver+"."+decl.Name.Name, decl.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() {
						report(spec.Name.Name, spec.Doc, decl.Doc)
						members(spec, report)
					}
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						if name.IsExported() {
							report(name.Name, spec.Doc, spec.Comment, decl.Doc)
						}
					}
				}
			}
		}
	}
	return missing
}

// members are the exported fields of a struct and the methods of an interface.
// Two fields under one comment may stand without a line between them.
func members(spec *ast.TypeSpec, report func(string, ...*ast.CommentGroup)) {
	var list []*ast.Field
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		list = typ.Fields.List
	case *ast.InterfaceType:
		list = typ.Methods.List
	}
	var above *ast.CommentGroup
	for _, field := range list {
		if field.Doc != nil || field.Comment != nil {
			above = field.Doc
		}
		for _, name := range field.Names {
			if name.IsExported() {
				report(spec.Name.Name+"."+name.Name, field.Doc, field.Comment, above)
			}
		}
	}
}

func receiverName(decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return ""
	}
	typ := decl.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	return typ.(*ast.Ident).Name
}
