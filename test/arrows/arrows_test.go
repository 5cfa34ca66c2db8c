package arrows

import (
	"path"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/kiseki-dev/kiseki"

// rules is the list of arrows, one line a folder: it may import the listed
// folders of this module (and what is below them), and itself. The longest
// matching folder decides. Test files may import anything.
//
//	api → analysis → query → storage → telemetry
//	ingest → telemetry, pipeline → telemetry
//	cmd wires all of them; internal knows nothing of telemetry
var rules = []rule{
	{folder: "telemetry", libraries: false},
	{folder: "telemetry/telemetrytest", mayImport: "telemetry"},
	{folder: "internal", libraries: true},
	{folder: "config", mayImport: "internal", libraries: true},

	{folder: "ingest", mayImport: "telemetry internal", libraries: true},
	{folder: "pipeline", mayImport: "telemetry internal", libraries: true},

	{folder: "storage", mayImport: "telemetry internal", libraries: true},
	{folder: "storage/vfs", libraries: true},
	{folder: "storage/scan", mayImport: "telemetry"},
	{folder: "storage/column", mayImport: "telemetry storage/scan", libraries: true},
	{folder: "storage/wal", mayImport: "telemetry storage/vfs", libraries: true},
	{folder: "storage/segment", mayImport: "telemetry storage/vfs storage/scan storage/column", libraries: true},

	{folder: "query", mayImport: "telemetry storage/scan internal", libraries: true},
	{folder: "analysis", mayImport: "telemetry storage/scan query internal", libraries: true},
	{folder: "forward", mayImport: "telemetry storage/vfs storage/wal query internal", libraries: true},
	{folder: "archive", mayImport: "telemetry ingest storage/scan query", libraries: true},
	{folder: "api", mayImport: "telemetry storage/scan query analysis archive internal", libraries: true},
	{folder: "ui", mayImport: "internal"},

	{folder: "cmd", mayImport: "telemetry internal config ingest pipeline storage query analysis archive forward api ui demo proxy instrument", libraries: true},
	{folder: "demo", mayImport: "instrument", libraries: true}, // a user of the library
	{folder: "proxy", mayImport: "instrument", libraries: true},
	{folder: "examples", mayImport: "instrument", libraries: true}, // modules of their own, to copy
	{folder: "instrument", libraries: true},                        // a module of its own: it imports nothing of ours
	{folder: "bench", mayImport: "telemetry ingest pipeline storage query internal", libraries: true},
	{folder: "bench/corpus", mayImport: "telemetry", libraries: true},
	{folder: "test", libraries: true},
}

type rule struct {
	folder    string
	mayImport string // folders, separated by spaces
	libraries bool   // whether packages from outside the standard library are allowed
}

// ruleFor is the rule of the longest folder that holds the package.
func ruleFor(pkg string) (best rule, ok bool) {
	for _, r := range rules {
		if within(pkg, r.folder) && len(r.folder) >= len(best.folder) {
			best, ok = r, true
		}
	}
	return best, ok
}

// violation says what is wrong with an import, or is "".
func violation(pkg, imported string) string {
	r, ok := ruleFor(pkg)
	if !ok {
		return "the folder has no line in the list of arrows"
	}
	own, isOwn := strings.CutPrefix(imported, module+"/")
	if !isOwn {
		first, _, _ := strings.Cut(imported, "/")
		if strings.Contains(first, ".") && !r.libraries {
			return "only the standard library is allowed here"
		}
		return ""
	}
	if own == r.folder || within(own, r.folder) {
		return ""
	}
	for allowed := range strings.FieldsSeq(r.mayImport) {
		if within(own, allowed) {
			return ""
		}
	}
	return "this arrow is not on the list"
}

func within(pkg, folder string) bool {
	return pkg == folder || strings.HasPrefix(pkg, folder+"/")
}

func TestArrows(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		for _, spec := range f.ast.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := violation(path.Dir(f.path), imported); why != "" {
				t.Errorf("%s imports %s: %s", f.path, imported, why)
			}
		}
	}
}

func TestViolations(t *testing.T) {
	for _, x := range []struct {
		pkg, imported string
		allowed       bool
	}{
		{"telemetry", "fmt", true},
		{"telemetry", "golang.org/x/sys/unix", false},
		{"telemetry", module + "/internal/nearest", false},
		{"internal/nearest", module + "/telemetry", false},
		{"ingest/otlp", module + "/telemetry", true},
		{"ingest/otlp", module + "/pipeline", false},
		{"storage", module + "/storage/wal", true},
		{"storage/scan", module + "/storage", false},
		{"storage/wal", module + "/storage/segment", false},
		{"query/exec", module + "/storage/scan", true},
		{"query/exec", module + "/storage", false},
		{"query/exec", module + "/api/native", false},
		{"api/native", module + "/query/traceql", true},
		{"cmd/kiseki", module + "/storage", true},
		{"elsewhere", "fmt", false},
	} {
		if why := violation(x.pkg, x.imported); (why == "") != x.allowed {
			t.Errorf("%s → %s: got %q, want allowed=%t", x.pkg, x.imported, why, x.allowed)
		}
	}
}
