package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// tree is a trace as indented names, in the order of its spans.
func tree(t *testing.T, lines ...string) string {
	t.Helper()
	b := &telemetry.Batch{}
	for _, l := range lines {
		addSpan(t, b, l)
	}
	var first string
	for seed := range uint64(10) {
		snap := scantest.Split(b, rand.New(rand.NewPCG(seed, 6)), 2, 3).Snapshot()
		tr, err := exec.FindTrace(t.Context(), snap, b.Spans[0].TraceID, exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		depth := make([]int, len(tr.Parent))
		var w strings.Builder
		for i, p := range tr.Parent {
			if p >= 0 {
				depth[i] = depth[p] + 1
			}
			fmt.Fprintf(&w, "%s%s\n", strings.Repeat("  ", depth[i]), tr.Batch.Spans[i].Name)
		}
		if first == "" {
			first = w.String()
		} else if first != w.String() {
			t.Errorf("the order depends on the layout:\n%s\n%s", first, &w)
		}
	}
	return first
}

func TestTree(t *testing.T) {
	for name, c := range map[string]struct {
		spans []string
		want  string
	}{
		"parents first, siblings by start": {
			[]string{"a/3<1 s late 9+1 internal ok", "a/4<2 s leaf 1+1 internal ok", "a/1 s root 5+1 internal ok", "a/2<1 s early 6+1 internal ok"},
			"root\n  early\n    leaf\n  late\n",
		},
		"several roots, one with its parent elsewhere": {
			[]string{"a/2<9 s orphan 1+1 internal ok", "a/1 s root 5+1 internal ok", "a/3<2 s child 2+1 internal ok"},
			"orphan\n  child\nroot\n",
		},
		"a span that is its own parent": {
			[]string{"a/1<1 s self 1+1 internal ok", "a/2<1 s child 2+1 internal ok"},
			"self\n  child\n",
		},
		"a circle is cut at its earliest span": {
			[]string{"a/1<3 s third 3+1 internal ok", "a/2<1 s first 1+1 internal ok", "a/3<2 s second 2+1 internal ok", "a/4 s root 9+1 internal ok"},
			"root\nfirst\n  second\n    third\n",
		},
		"what hangs on a circle stays there, however early": {
			[]string{"a/1<3 s third 3+1 internal ok", "a/2<1 s first 2+1 internal ok", "a/3<2 s second 3+1 internal ok", "a/4<3 s leaf 1+1 internal ok"},
			"first\n  second\n    leaf\n    third\n",
		},
		"both sides of a call share an id": {
			[]string{
				"a/2<1 web call 2+5 client ok", "a/2<1 cart serve 3+3 server ok", "a/1 web root 1+9 server ok",
				"a/3<2 cart query 4+1 client ok",
			},
			"root\n  call\n    serve\n      query\n",
		},
		"copies are one span, different spans with one id are two": {
			[]string{"a/1 s root 1+1 internal ok", "a/1 s root 1+1 internal ok", "a/1 s other 1+1 internal error", "a/2<1 s child 1+1 internal ok"},
			"other\n  child\nroot\n",
		},
	} {
		if got := tree(t, c.spans...); got != c.want {
			t.Errorf("%s\ngot\n%swant\n%s", name, got, c.want)
		}
	}
}
