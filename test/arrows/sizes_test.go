package arrows

import (
	"go/ast"
	"slices"
	"testing"
)

// The sizes of CONTRIBUTING: small enough that a reader holds a function in
// the eye and a file in the head.
const (
	maxFile     = 800
	maxTestFile = 1000
	p90File     = 500
	maxFunc     = 100
	p90Func     = 40
)

func TestFileSizes(t *testing.T) {
	var sizes []int
	for _, f := range goFiles(t) {
		limit := maxTestFile
		if !f.isTest() {
			limit = maxFile
			sizes = append(sizes, f.lines)
		}
		if f.lines > limit {
			t.Errorf("%s has %d lines, more than %d", f.path, f.lines, limit)
		}
	}
	if p := p90(sizes); p > p90File {
		t.Errorf("a tenth of the files have more than %d lines: the 90th percentile is %d", p90File, p)
	}
}

func TestFunctionSizes(t *testing.T) {
	var sizes []int
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			lines := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
			sizes = append(sizes, lines)
			if lines > maxFunc {
				t.Errorf("%s: %s has %d lines, more than %d", f.position(fn), fn.Name.Name, lines, maxFunc)
			}
		}
	}
	if p := p90(sizes); p > p90Func {
		t.Errorf("a tenth of the functions have more than %d lines: the 90th percentile is %d", p90Func, p)
	}
}

func p90(sizes []int) int {
	slices.Sort(sizes)
	return sizes[len(sizes)*9/10]
}
