package arrows

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// root is the top of the checkout, seen from this package's folder.
const root = "../.."

// skipped are folders that hold nothing written by us.
var skipped = map[string]bool{
	".git": true, ".cache": true, "node_modules": true, "dist": true, "bin": true, "data": true, "testdata": true,
}

// textFiles are the paths, slash-separated below root, of all files in the
// checkout with one of the endings.
func textFiles(t *testing.T, endings ...string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped[d.Name()] {
				return filepath.SkipDir
			}
			return nil
		}
		for _, e := range endings {
			if strings.HasSuffix(d.Name(), e) {
				rel, err := filepath.Rel(root, p)
				paths = append(paths, filepath.ToSlash(rel))
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, p string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goFile is a parsed Go file of the checkout.
type goFile struct {
	path  string // slash-separated, below root
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

func (f *goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f *goFile) isMain() bool { return f.ast.Name.Name == "main" }

// position is where n stands, for messages.
func (f *goFile) position(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	p.Filename = f.path
	return p.String()
}

var parsed struct {
	once  sync.Once
	files []*goFile
}

// goFiles parses every Go file that was not generated once for all tests.
func goFiles(t *testing.T) []*goFile {
	t.Helper()
	parsed.once.Do(func() {
		for _, p := range textFiles(t, ".go") {
			src := read(t, p)
			f := &goFile{path: p, lines: bytes.Count(src, []byte("\n")), fset: token.NewFileSet()}
			var err error
			if f.ast, err = parser.ParseFile(f.fset, path.Base(p), src, parser.ParseComments); err != nil {
				t.Fatal(err)
			}
			if ast.IsGenerated(f.ast) {
				continue
			}
			parsed.files = append(parsed.files, f)
		}
	})
	if len(parsed.files) == 0 {
		t.Fatal("found no Go files")
	}
	return parsed.files
}
