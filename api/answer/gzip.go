package answer

import (
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

var gzipWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil { // the level is a constant of the package
		panic(err)
	}
	return w
}}

// acceptsGzip reads Accept-Encoding as RFC 9110 section 12.5.3 defines it.
func acceptsGzip(headers []string) bool {
	any := false
	for _, h := range headers {
		for item := range strings.SplitSeq(h, ",") {
			name, weight, _ := strings.Cut(item, ";")
			weight = strings.ReplaceAll(strings.ToLower(weight), " ", "")
			q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
			wanted := weight == "" || err == nil && q > 0
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "gzip":
				return wanted
			case "*":
				any = wanted
			}
		}
	}
	return any
}
