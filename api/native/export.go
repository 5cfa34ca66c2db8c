package native

import (
	"io"
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
	unlimited(w)
	q.header.Set("Content-Type", archive.Format(format).MediaType())
	q.header.Set("Trailer", SpansTrailer+", "+incompleteHeader)
	sent := &counter{w: w}
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

// unlimited lifts the server's limits on the time of a request, for those that
// take as long as there is data.
func unlimited(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	// A server that cannot lift them keeps them.
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Time{})
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
