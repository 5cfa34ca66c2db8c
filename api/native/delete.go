package native

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// maxDeletionIDs is how many trace IDs one request may list.
	maxDeletionIDs = 1000
	// maxDeletedTraces is how many traces one request may delete. Each takes
	// some 300 bytes of memory meanwhile.
	maxDeletedTraces = 100_000
	// deletionTime is how long the traces may be searched for: less than the
	// five minutes that an answer may take.
	deletionTime = 4 * time.Minute
)

// DeletionRequest is what the store is asked for. Kind, What and Who are for
// the audit log: in What, hashes stand for values.
type DeletionRequest struct {
	Traces []telemetry.TraceID
	Kind   string
	What   string
	Who    string
}

// Deletion is what the store remembers of a deletion.
type Deletion struct {
	ID        uint64
	Requested time.Time
	Kind      string // "traces", "query" or "attribute"
	What      string
	Who       string
	Traces    int
	Spans     uint64
	State     string    // "pending", "erased" or "lost"
	Erased    time.Time // where it is
	// Of a pending one: when rewriting begins, at the latest; how many segments
	// had its traces, and how many of those are rewritten without them.
	Due                 time.Time
	Segments, Rewritten int
}

// deletionBody is the body of a request.
type deletionBody struct {
	TraceIDs  []string `json:"traceIds"`
	Query     *string  `json:"query"`
	Attribute *struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"attribute"`
	Start  *string `json:"start"`
	End    *string `json:"end"`
	DryRun bool    `json:"dryRun"`
}

// chosen are the traces that a request is about.
type chosen struct {
	traces []telemetry.TraceID
	spans  int
	kind   string
	what   string
	stats  exec.Stats
}

func (a *api) deletions(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	if q.Method == http.MethodPost {
		return a.createDeletion(q)
	}
	q.body = append(q.body, `{"deletions":[`...)
	first := true
	for _, d := range a.Deletions() {
		q.body = appendDeletion(appendComma(q.body, &first), &d)
	}
	q.body = append(q.body, `]}`...)
	return nil
}

func (a *api) createDeletion(q *request) error {
	body, err := readDeletion(q.Request)
	if err != nil {
		return err
	}
	var c chosen
	if err := a.snapshot(func(snap scan.Snapshot) (err error) {
		c, err = a.choose(q.Context(), snap, body)
		return err
	}); err != nil {
		return err
	}
	a.note(q, c.stats)
	if body.DryRun {
		q.body = appendIntField(append(q.body, `{"dryRun":true`...), "traceCount", int64(len(c.traces)))
		q.body = appendIntField(q.body, "spanCount", int64(c.spans))
	} else {
		// From here on the client's patience does not matter: half a deletion
		// would be worse than one that nobody waited for.
		d, err := a.Delete(context.WithoutCancel(q.Context()), DeletionRequest{Traces: c.traces, Kind: c.kind, What: c.what, Who: requester(q.Request)})
		if err != nil {
			return err
		}
		q.body = appendIntField(append(q.body, `{"dryRun":false`...), "traceCount", int64(d.Traces))
		q.body = appendIntField(q.body, "spanCount", int64(d.Spans))
		q.body = appendDeletion(appendName(q.body, "deletion"), &d)
	}
	if c.stats.Damage != nil {
		q.body = appendStringField(q.body, "incompleteReason", c.stats.Reason)
	}
	q.body = append(q.body, '}')
	return nil
}

// readDeletion reads and checks the body.
func readDeletion(r *http.Request) (*deletionBody, error) {
	body := &deletionBody{}
	if err := readBody(r, body); err != nil {
		return nil, err
	}
	ways := 0
	for _, given := range []bool{body.TraceIDs != nil, body.Query != nil, body.Attribute != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, badParameter("body", "It must have exactly one of traceIds, query and attribute.")
	case len(body.TraceIDs) > maxDeletionIDs:
		return nil, badParameter("traceIds", fmt.Sprintf("There are more than %d.", maxDeletionIDs))
	case body.TraceIDs != nil && (body.Start != nil || body.End != nil):
		return nil, badParameter("start", "Traces named by their IDs are deleted whenever they were.")
	case body.Query != nil && utf8.RuneCountInString(*body.Query) > traceql.MaxLength:
		return nil, badParameter("query", fmt.Sprintf("The query is longer than %d characters.", traceql.MaxLength))
	case body.Query != nil && *body.Query == "":
		return nil, badParameter("query", "It is empty; {} is every trace.")
	case body.Attribute != nil && (body.Attribute.Key == "" || body.Attribute.Value == ""):
		return nil, badParameter("attribute", "It needs a key and a value.")
	}
	return body, nil
}

// choose finds the traces that a request is about, all of them: where that
// would be too much it fails.
func (a *api) choose(ctx context.Context, snap scan.Snapshot, body *deletionBody) (c chosen, err error) {
	limits := a.Limits
	limits.Time, limits.Traces = deletionTime, maxDeletedTraces+1
	if body.TraceIDs != nil {
		return chooseByID(ctx, snap, body.TraceIDs, limits)
	}
	p := &plan.Search{End: plan.All, Limit: maxDeletedTraces}
	for _, x := range []struct {
		name string
		text *string
		to   *uint64
	}{{"start", body.Start, &p.Start}, {"end", body.End, &p.End}} {
		if x.text == nil {
			continue
		}
		at, bad := readMoment(x.name, *x.text)
		if bad != nil {
			return c, bad
		}
		*x.to = at
	}
	if p.Start > p.End {
		return c, badParameter("end", "The end is before the start.")
	}
	if body.Query != nil {
		query, err := traceql.ParseSearch(*body.Query)
		if err != nil {
			return c, parseProblem("query", err)
		}
		c.kind, c.what = "query", redactQuery(query, *body.Query)
		p.Filter, p.Spans = plan.Pipeline(query.Spans, p.Start > 0 || p.End != plan.All)
	} else {
		x := body.Attribute
		c.kind, c.what = "attribute", x.Key+" = "+redact(x.Value)
		p.Filter = plan.Filter(anyAttribute(x.Key, x.Value))
	}
	res, err := exec.Search(ctx, snap, p, limits)
	if err != nil {
		return c, err
	}
	c.stats = res.Stats
	if res.Next != nil || res.Stats.Elapsed >= limits.Time || !res.Stats.Complete && res.Stats.Damage == nil {
		return c, &problem{
			Status: http.StatusUnprocessableEntity, Title: "Too much for one deletion",
			Detail: fmt.Sprintf("More than %d traces, or more than can be searched in %s. Nothing was deleted. Choose a shorter time with start and end.", maxDeletedTraces, deletionTime),
		}
	}
	for i := range res.Traces {
		c.traces = append(c.traces, res.Traces[i].ID)
		c.spans += res.Traces[i].Spans
	}
	return c, nil
}

func chooseByID(ctx context.Context, snap scan.Snapshot, ids []string, limits exec.Limits) (c chosen, err error) {
	seen := map[telemetry.TraceID]bool{}
	c.kind = "traces"
	text := ""
	for _, s := range ids {
		id, err := telemetry.ParseTraceID(s)
		if err != nil {
			return c, badParameter("traceIds", fmt.Sprintf("%q is not a trace ID: 32 hexadecimal digits, or 16 of older systems.", s))
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		text += id.String()
		t, err := exec.FindTrace(ctx, snap, id, limits)
		if err != nil {
			return c, err
		}
		if t.Stats.Damage != nil {
			c.stats = t.Stats
		}
		if len(t.Batch.Spans) > 0 {
			c.traces = append(c.traces, id)
			c.spans += len(t.Batch.Spans)
		}
	}
	c.what = fmt.Sprintf("%d trace IDs %s", len(seen), redact(text))
	return c, nil
}

// requester says who asked: the address, and the user where a proxy in front
// says so.
func requester(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if user := r.Header.Get("X-Forwarded-User"); user != "" {
		return user + " via " + host
	}
	return host
}

func appendDeletion(dst []byte, d *Deletion) []byte {
	dst = strconv.AppendUint(append(dst, `{"id":`...), d.ID, 10)
	dst = appendStringField(dst, "state", d.State)
	dst = appendTimeField(dst, "requestedTimeUnixNano", d.Requested)
	if !d.Erased.IsZero() {
		dst = appendTimeField(dst, "erasedTimeUnixNano", d.Erased)
	}
	if !d.Due.IsZero() {
		dst = appendTimeField(dst, "dueTimeUnixNano", d.Due)
		dst = appendIntField(dst, "segmentCount", int64(d.Segments))
		dst = appendIntField(dst, "rewrittenSegments", int64(d.Rewritten))
	}
	dst = appendStringField(dst, "kind", d.Kind)
	dst = appendStringField(dst, "what", d.What)
	dst = appendStringField(dst, "who", d.Who)
	dst = appendIntField(dst, "traceCount", int64(d.Traces))
	return append(appendIntField(dst, "spanCount", int64(d.Spans)), '}')
}
