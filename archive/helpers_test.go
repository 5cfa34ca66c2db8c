package archive_test

import (
	"slices"
	"strings"
)

func dumpSorted(spans []string) string {
	spans = slices.Clone(spans)
	slices.Sort(spans)
	return strings.Join(spans, "\n")
}

// firstDifference is the first line in which two dumps differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got  " + g[i] + "\nwant " + w[i]
		}
	}
	return "one has more lines than the other"
}
