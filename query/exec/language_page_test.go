package exec_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
)

// TestLanguagePage runs every query of docs/query-language.md: searches find
// what the reference does.
func TestLanguagePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/query-language.md")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 8))
	b := querytest.RandomTraces(r, 100)
	ref, store := querytest.New(b), scantest.New(b)
	n := 0
	for i, block := range strings.Split(string(page), "```") {
		text, ok := strings.CutPrefix(block, "traceql\n")
		if !ok || i%2 == 0 {
			continue
		}
		for line := range strings.Lines(text) {
			n++
			q, err := traceql.Parse(line)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if q.Metrics == nil {
				checkSearch(t, r, ref, line, store)
				continue
			}
			m := &exec.MetricsQuery{Expr: q.Metrics, Hints: q.Hints, Start: querytest.Epoch, End: querytest.Epoch + 1_000_000_000}
			if _, err := exec.Metrics(t.Context(), store.Snapshot(), m, exec.DefaultLimits); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if n < 30 {
		t.Errorf("found only %d queries", n)
	}
}
