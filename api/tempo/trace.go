package tempo

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/api/answer"
	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
)

// trace answers with the spans alone. The range of time that clients may give
// is where Tempo looks; here a trace is found and whole wherever it is. In
// JSON the list has its older name.
func (a *API) trace(w http.ResponseWriter, r *http.Request) error {
	return a.findTrace(r, nil, func(t *exec.Trace) error {
		if !t.Stats.Complete {
			w.Header().Set(incompleteHeader, t.Stats.Reason)
		}
		if WantsProtobuf(r) {
			return a.write(w, r, mimeProtobuf, otlpproto.Append(nil, &t.Batch))
		}
		return a.writeTrace(w, r, `{"batches":[`, &t.Batch, []byte("]}"))
	})
}

// traceV2 answers with a TraceByIDResponse, which also says whether the trace
// is whole. The parameter q selects spans; keep_hierarchy, which is true where
// it is not given, keeps their ancestors too.
func (a *API) traceV2(w http.ResponseWriter, r *http.Request) error {
	filter, err := readTraceFilter(r)
	if err != nil {
		return err
	}
	return a.findTrace(r, filter, func(t *exec.Trace) error {
		rest := &tempopb.TraceByIDResponse{Metrics: &tempopb.TraceByIDMetrics{}}
		rest.Status, rest.Message = partial(t.Stats)
		if WantsProtobuf(r) {
			body := otlpproto.Append(nil, &t.Batch)
			out := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), body) // the field trace
			if out, err = (proto.MarshalOptions{}).MarshalAppend(out, rest); err != nil {
				return fmt.Errorf("write protobuf: %w", err)
			}
			return a.write(w, r, mimeProtobuf, out)
		}
		tail, err := marshalJSON(rest) // an object that is not empty
		if err != nil {
			return err
		}
		tail[0] = ','
		return a.writeTrace(w, r, `{"trace":{"resourceSpans":[`, &t.Batch, append([]byte("]}"), tail...))
	})
}

// writeTrace answers with spans as Tempo's JSON, between a head and a tail.
func (a *API) writeTrace(w http.ResponseWriter, r *http.Request, head string, b *telemetry.Batch, tail []byte) error {
	w.Header().Set("Content-Type", mimeJSON)
	out := answer.To(w, r)
	body, err := otlpjson.WriteResourceSpans([]byte(head), b, otlpjson.Protobuf, out.Spill)
	body = append(body, tail...)
	if out.Begun() {
		out.End(body, err, a.o.Logger)
	} else if err == nil {
		out.Send(http.StatusOK, body, a.o.Logger)
	}
	return err
}

// findTrace calls f with the trace that a request names, or of it with the
// spans that filter is for.
func (a *API) findTrace(r *http.Request, filter *traceFilter, f func(*exec.Trace) error) error {
	id, err := parseTraceID(r.PathValue("traceID"))
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		t, err := exec.FindTrace(r.Context(), snap, id, a.o.Limits)
		if err != nil {
			return err
		}
		a.note(t.Stats)
		switch {
		case len(t.Batch.Spans) == 0 && !t.Stats.Complete:
			return fmt.Errorf("find trace %s: %s", id, t.Stats.Reason)
		case len(t.Batch.Spans) == 0:
			return errNoTrace
		}
		if filter != nil {
			if err := a.keep(r.Context(), snap, t, id, filter); err != nil {
				return err
			}
		}
		return f(t)
	})
}

// parseTraceID reads an ID of up to 32 digits: leading zeros may be missing.
func parseTraceID(s string) (telemetry.TraceID, error) {
	const digits = 2 * len(telemetry.TraceID{})
	id, err := telemetry.ParseTraceID(strings.Repeat("0", max(0, digits-len(s))) + s)
	if err != nil {
		return id, refuse("invalid trace ID: %.64q is not 1 to %d hexadecimal digits", s, digits)
	}
	return id, nil
}

// traceFilter says which spans of a trace are wanted.
type traceFilter struct {
	cond      traceql.Expr
	ancestors bool // of those spans too
}

// readTraceFilter is nil where all spans are wanted.
func readTraceFilter(r *http.Request) (*traceFilter, error) {
	p := readParams(r)
	out := &traceFilter{ancestors: true}
	if s := p.text("keep_hierarchy"); s != "" {
		var err error
		if out.ancestors, err = strconv.ParseBool(s); err != nil {
			p.fail("keep_hierarchy", s, "true or false")
		}
	}
	text := p.text("q")
	if p.err != nil || strings.TrimSpace(text) == "" {
		return nil, p.err
	}
	var err error
	if out.cond, err = traceql.ParseFilter(text); err != nil {
		return nil, refuse("invalid TraceQL query: %s", err)
	}
	if c, ok := out.cond.(*traceql.Constant); out.cond == nil || ok && c.Value {
		return nil, nil
	}
	return out, nil
}

// keep removes the spans of t that are not wanted.
func (a *API) keep(ctx context.Context, snap scan.Snapshot, t *exec.Trace, id telemetry.TraceID, f *traceFilter) error {
	of, err := traceql.ParseFilter(`{ trace:id = "` + id.String() + `" }`)
	if err != nil {
		return fmt.Errorf("select the trace: %w", err)
	}
	res, err := exec.Search(ctx, snap, &plan.Search{
		Filter: plan.Filter(&traceql.Binary{Op: traceql.And, Left: of, Right: f.cond}), End: plan.All, Limit: 1, SetSpans: len(t.Batch.Spans),
	}, a.o.Limits)
	if err != nil {
		return err
	}
	a.note(res.Stats)
	if !res.Stats.Complete && t.Stats.Complete {
		t.Stats.Complete, t.Stats.Reason = false, res.Stats.Reason
	}
	matched := map[telemetry.SpanID]bool{}
	for _, s := range res.Traces {
		for _, set := range s.Sets {
			for i := range set.Spans {
				matched[set.Spans[i].ID] = true
			}
		}
	}
	keep := make([]bool, len(t.Batch.Spans))
	for i := range t.Batch.Spans {
		if !matched[t.Batch.Spans[i].SpanID] {
			continue
		}
		keep[i] = true
		for at := t.Parent[i]; f.ancestors && at >= 0 && !keep[at]; at = t.Parent[at] {
			keep[at] = true
		}
	}
	spans := t.Batch.Spans[:0]
	for i := range t.Batch.Spans {
		if keep[i] {
			spans = append(spans, t.Batch.Spans[i])
		}
	}
	t.Batch.Spans, t.Parent = spans, nil
	return nil
}
