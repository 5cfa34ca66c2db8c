package arrows

import (
	"bytes"
	"go/ast"
	"path"
	"regexp"
	"testing"
)

func TestEveryPackageHasAComment(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		dir := path.Dir(f.path)
		documented[dir] = documented[dir] || f.ast.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

// selfEvident are methods whose meaning their interface gives them.
var selfEvident = map[string]bool{"Error": true, "String": true, "Unwrap": true, "Is": true}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || f.isMain() {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !selfEvident[d.Name.Name] {
					t.Errorf("%s: %s has no comment", f.position(d), d.Name.Name)
				}
			case *ast.GenDecl:
				if d.Doc == nil {
					checkSpecs(t, f, d)
				}
			}
		}
	}
}

// checkSpecs looks for comments on the single names of an uncommented
// declaration.
func checkSpecs(t *testing.T, f *goFile, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil {
				t.Errorf("%s: %s has no comment", f.position(s), s.Name.Name)
			}
		case *ast.ValueSpec:
			if s.Names[0].IsExported() && s.Doc == nil && s.Comment == nil {
				t.Errorf("%s: %s has no comment", f.position(s), s.Names[0].Name)
			}
		}
	}
}

// exportedReceiver reports whether d is a function, or a method of a type
// that other packages can name.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

// forbidden are left-over markers, machine paths and registry hosts. The
// brackets keep this file from matching itself.
var forbidden = regexp.MustCompile(`\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b` +
	`|(^|[\s"'=(` + "`" + `])/(wor[k]|roo[t]|far[m]|hom[e])/` +
	`|proxy\.golang\.or[g]|registry\.npmjs\.or[g]|deb\.debian\.or[g]|files\.pythonhoste[d]|repo1?\.mave[n]`)

func TestForbiddenWords(t *testing.T) {
	for _, p := range textFiles(t, ".go", ".ts", ".tsx", ".css", ".md", ".yaml", ".yml", ".sh", ".js", ".mjs", ".py", ".json", "Makefile", "run") {
		for i, line := range bytes.Split(read(t, p), []byte("\n")) {
			if word := forbidden.Find(line); word != nil {
				t.Errorf("%s:%d: %q must not be committed", p, i+1, bytes.TrimSpace(word))
			}
		}
	}
}
