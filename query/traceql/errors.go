package traceql

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/internal/nearest"
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

// didYouMean offers the nearest of some names, if one is near. Only the
// start of a long word is looked at, so that hostile input costs nothing.
func didYouMean(word string, names []string) string {
	if n := nearest.Name(word[:min(len(word), 64)], names); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}
