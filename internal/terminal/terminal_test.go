package terminal

import (
	"math"
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"GET /cart":           "GET /cart",
		"注文":                  "注文",
		"a\nb\tc":             "a b c",
		"\x1b[2Jgone":         "\uFFFD[2Jgone",
		"\u009b31m":           "\uFFFD31m",
		"txt\u202Egpj":        "txt\uFFFDgpj",
		"broken \xff\xfe end": "broken \uFFFD\uFFFD end",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWidth(t *testing.T) {
	for in, want := range map[string]int{"": 0, "cart": 4, "注文": 4, "é": 1, "e\u0301": 1, "🛒": 2, "…": 1} {
		if got := Width(in); got != want {
			t.Errorf("Width(%q) = %d, want %d", in, got, want)
		}
	}
	for _, s := range []string{"", "cart", "注文サービス", "a注b文c", "e\u0301e\u0301e\u0301"} {
		for n := range 12 {
			if got := Fit(s, n); Width(got) != n {
				t.Errorf("Fit(%q, %d) = %q takes %d columns", s, n, got, Width(got))
			}
		}
	}
	if got := Clip("注文サービス", 6); got != "注文…" {
		t.Errorf("Clip gave %q", got)
	}
}

func TestTable(t *testing.T) {
	table := Table{
		Columns: []Column{{Title: "SERVICE", Least: 4}, {Title: "SPANS", Right: true}},
		Rows:    [][]string{{"注文サービス", "7"}, {"checkout", "12"}},
	}
	for columns, want := range map[int]string{
		0:  "SERVICE       SPANS\n注文サービス      7\ncheckout         12\n",
		14: "SERVICE  SPANS\n注文サ…      7\nchecko…     12\n",
		3:  "SER…  SPANS\n注…       7\nche…     12\n",
	} {
		var w strings.Builder
		if err := table.Write(&w, columns); err != nil || w.String() != want {
			t.Errorf("in %d columns, %v:\n%s\nwant\n%s", columns, err, w.String(), want)
		}
	}
}

func TestSpark(t *testing.T) {
	none := math.NaN()
	for _, x := range []struct {
		points  []float64
		columns int
		want    string
	}{
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 4, "▂▄▆█"},
		{[]float64{0, none, 7}, 8, "▁ █"},
		{[]float64{none, none, 7, none}, 2, " █"},
		{nil, 8, ""},
	} {
		if got := Spark(x.points, 0, 7, x.columns); got != x.want {
			t.Errorf("%v in %d columns: %q, want %q", x.points, x.columns, got, x.want)
		}
	}
	if got := Spark([]float64{5, 5}, 5, 5, 2); got != "▁▁" {
		t.Errorf("a flat line: %q", got)
	}
}

func TestBar(t *testing.T) {
	for _, x := range []struct {
		from, to float64
		want     string
	}{
		{0, 1, "████████"}, {0.5, 1, "    ████"}, {0.25, 0.5, "  ██"},
		{0, 0, "▏"}, {1, 1, "       █"}, {0.5, 0.5, "    ▏"}, {0, 0.3125, "██▌"},
	} {
		if got := Bar(x.from, x.to, 8); got != x.want {
			t.Errorf("Bar(%g, %g) = %q, want %q", x.from, x.to, got, x.want)
		}
	}
}
