package arrows

import (
	"go/ast"
	"path"
	"testing"
)

// TestGoroutinesAreLookedAfter: where goroutines are started, the package's
// tests fail if one is left when they end.
func TestGoroutinesAreLookedAfter(t *testing.T) {
	starts, checked := map[string]string{}, map[string]bool{}
	for _, f := range goFiles(t) {
		dir := path.Dir(f.path)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				if !f.isTest() {
					starts[dir] = f.position(n)
				}
			case *ast.CallExpr:
				call, ok := n.Fun.(*ast.SelectorExpr)
				switch {
				case !ok:
				case call.Sel.Name == "Go" && len(n.Args) == 1 && !f.isTest(): // of a sync.WaitGroup or errgroup
					starts[dir] = f.position(n)
				case call.Sel.Name == "VerifyTestMain":
					checked[dir] = true
				}
			}
			return true
		})
	}
	if len(starts) < 5 {
		t.Fatalf("goroutines are started in %v only: this test is blind", starts)
	}
	for dir, at := range starts {
		if !checked[dir] {
			t.Errorf("%s starts a goroutine: the package's TestMain must be goleak.VerifyTestMain", at)
		}
	}
}
