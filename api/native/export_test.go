package native

import (
	"maps"
	"slices"
)

// AppendColumns is the columnar writer, for its benchmark.
var WriteColumns = writeColumns

// Paths are the paths below Prefix that are served.
func Paths() []string { return slices.Collect(maps.Keys((&api{}).routes())) }
