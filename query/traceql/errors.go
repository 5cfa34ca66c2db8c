package traceql

import (
	"fmt"
	"strings"
)

// Error says why a text is not a query.
type Error struct {
	Pos      int    // byte offset of the culprit
	Message  string // what is wrong
	Expected string // what would have been right, or ""
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("byte %d: %s", e.Pos, e.Message)
	if e.Expected != "" {
		s += "; expected " + e.Expected
	}
	return s
}

// nearest is the candidate within an edit distance of a third of the length
// of name, or "".
func nearest(name string, candidates []string) string {
	best, limit := "", len(name)/3+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b, in bytes. Names longer
// than any candidate by far are cut, so that hostile input costs nothing.
func distance(a, b string) int {
	const most = 64
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func didYouMean(name string, candidates []string) string {
	if n := nearest(name, candidates); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}
