package tempo

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// The defaults are Tempo's. Answers of the greatest numbers are some 100 MB.
const (
	defaultTraces = 20
	maxTraces     = 1000
	defaultSpans  = 3 // of a spanset
	maxSpans      = 100
)

// search is what a client searches for: with a query, or else with tags.
type search struct {
	query       string
	tags        map[string]string
	minDuration time.Duration // of the trace, with tags; 0: any
	maxDuration time.Duration
	limit       uint32 // traces; 0: the default
	spans       uint32 // told of each spanset; 0: the default
	start, end  uint32 // Unix seconds, both included; 0: no bound
}

func (a *API) httpSearch(w http.ResponseWriter, r *http.Request) error {
	p := readParams(r)
	q := search{
		query: p.text("q"), minDuration: p.duration("minDuration"), maxDuration: p.duration("maxDuration"),
		limit: p.number("limit"), spans: p.number("spss"), start: p.number("start"), end: p.number("end"),
	}
	if p.err != nil {
		return p.err
	}
	var err error
	if q.tags, err = parseLogfmt(p.text("tags")); err != nil {
		return err
	}
	var out *tempopb.SearchResponse
	stats, err := a.search(r.Context(), &q, nil, func(m *tempopb.SearchResponse) { out = m })
	if err != nil {
		return err
	}
	return a.send(w, r, out, stats)
}

// search answers q. Where found is not nil it is called with single traces as
// soon as their place in the answer is certain; an error of it ends the
// search. done is called with the whole answer.
func (a *API) search(ctx context.Context, q *search, found func(*tempopb.TraceSearchMetadata) error, done func(*tempopb.SearchResponse)) (stats exec.Stats, err error) {
	p, err := q.plan()
	if err != nil {
		return exec.Stats{}, err
	}
	names := attributeNames(p.Fields)
	var each func(*exec.Summary) error
	if found != nil {
		each = func(s *exec.Summary) error { return found(traceMessage(s, names)) }
	}
	err = a.snapshot(func(snap scan.Snapshot) error {
		res, err := exec.SearchEach(ctx, snap, p, a.o.Limits, each)
		if err != nil {
			return err
		}
		stats = res.Stats
		out := &tempopb.SearchResponse{Metrics: searchMetrics(stats, len(res.Traces))}
		for i := range res.Traces {
			out.Traces = append(out.Traces, traceMessage(&res.Traces[i], names))
		}
		done(out)
		return nil
	})
	return stats, err
}

func (q *search) plan() (*plan.Search, error) {
	text := q.query
	if text == "" {
		text = q.fromTags()
	}
	query, err := traceql.ParseSearch(text)
	if err != nil {
		return nil, refuse("invalid TraceQL query: %s", err)
	}
	if q.limit > maxTraces {
		return nil, refuse("invalid limit: %d is more than %d", q.limit, maxTraces)
	}
	if q.spans > maxSpans {
		return nil, refuse("invalid spss: %d is more than %d", q.spans, maxSpans)
	}
	p := &plan.Search{
		Limit: int(cmp.Or(q.limit, defaultTraces)), SetSpans: int(cmp.Or(q.spans, defaultSpans)), Fields: toldFields(query.Spans),
	}
	if p.Start, p.End, err = within(q.start, q.end); err != nil {
		return nil, err
	}
	p.Filter, p.Spans = plan.Pipeline(query.Spans, p.Start > 0 || p.End != plan.All)
	return p, nil
}

// toldFields are the fields whose values an answer tells of each span: all
// that the query mentions, but those that the message of a span has anyway.
func toldFields(p *traceql.Pipeline) (out []traceql.Field) {
	p.Fields(func(f traceql.Field) {
		switch f.Intrinsic {
		case scan.IntrinsicName, scan.IntrinsicDuration, scan.IntrinsicSpanID, scan.IntrinsicTraceID:
			return
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	})
	return out
}

// messageBytes is about how large the messages of a stream are at most: gRPC
// clients take 4 MiB unless told otherwise.
const messageBytes = 2 << 20

// chunks cuts a list of messages into runs of about messageBytes.
func chunks[M proto.Message](all []M) (out [][]M) {
	size, from := 0, 0
	for i, m := range all {
		n := proto.Size(m)
		if size += n; size > messageBytes && i > from {
			out = append(out, all[from:i])
			size, from = n, i
		}
	}
	if from < len(all) {
		out = append(out, all[from:])
	}
	return out
}
