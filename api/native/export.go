package native

import (
	"net/http"
	"strconv"
	"time"

	"github.com/kiseki-dev/kiseki/archive"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// SpansTrailer is how many spans an export has; it comes after them, so that
// an export without it was cut off.
const SpansTrailer = "Kiseki-Spans"

// IncompleteHeader says why an answer in a format that has no place for
// statistics is not the whole answer. It is a trailer of exports.
const IncompleteHeader = incompleteHeader

// export streams spans. Once the first byte is out an error can only be told
// by breaking off.
func (a *api) export(w http.ResponseWriter, r *http.Request) {
	q := newRequest(w, r)
	var p *plan.Search
	var format string
	err := a.serve(q, func(q *request) (err error) {
		format = q.params.choice("format", string(archive.FormatParquet), archive.Formats()...)
		p, err = q.params.search()
		return err
	}, []string{http.MethodGet, http.MethodHead})
	if err != nil || r.Method == http.MethodHead {
		a.answer(q, err)
		return
	}
	q.header.Set("Content-Type", archive.Format(format).MediaType())
	q.header.Set("Trailer", SpansTrailer+", "+incompleteHeader)
	sent := newStream(w)
	var spans int64
	err = a.snapshot(func(snap scan.Snapshot) error {
		n, stats, err := archive.Export(r.Context(), snap, p, archive.Format(format), sent, nil)
		if err != nil {
			return err
		}
		a.note(q, stats)
		spans = n
		if !stats.Complete {
			q.header.Set(incompleteHeader, stats.Reason)
		}
		return nil
	})
	switch {
	case err != nil && sent.n == 0 && r.Context().Err() == nil:
		q.header.Del("Trailer")
		a.answer(q, err)
	case err != nil:
		if r.Context().Err() == nil {
			a.Logger.Error("export broken off", "err", err)
		}
		panic(http.ErrAbortHandler)
	}
	q.header.Set(SpansTrailer, strconv.FormatInt(spans, 10))
}

// stallTime is how long a client may take to read a piece of an export. While
// one goes on, the disk is not rid of the files that it reads, be they deleted.
const stallTime = time.Minute

// stream writes an answer that takes as long as there is data, in place of the
// server's limits on the time of a request.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
	n int64 // bytes written
}

func newStream(w http.ResponseWriter) *stream {
	s := &stream{w: w, c: http.NewResponseController(w)}
	_ = s.c.SetReadDeadline(time.Time{}) // a server that cannot lift it keeps it
	return s
}

// Write implements [io.Writer].
func (s *stream) Write(p []byte) (int, error) {
	_ = s.c.SetWriteDeadline(time.Now().Add(stallTime)) // likewise
	n, err := s.w.Write(p)
	s.n += int64(n)
	return n, err
}
