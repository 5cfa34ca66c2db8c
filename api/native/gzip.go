package native

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipFrom is the size in bytes from which an answer is compressed: smaller
// ones fit a packet or two as they are.
const gzipFrom = 2048

var gzipWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil { // the level is a constant of the package
		panic(err)
	}
	return w
}}

// send writes the answer, compressed if the client takes that.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) < gzipFrom || !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		if r.Method == http.MethodHead {
			return nil
		}
		_, err := w.Write(body)
		return err
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	z := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(z)
	z.Reset(w)
	if _, err := z.Write(body); err != nil {
		return err
	}
	return z.Close()
}

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
