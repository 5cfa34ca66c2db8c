package native

import (
	"math"
	"slices"
	"strconv"

	"github.com/kiseki-dev/kiseki/api/answer"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// columns writes the TraceColumns answer: one array a field, strings once.
//
// Attribute lists are runs of one table of attributes, in the order of the
// answer: those of resources, scopes, spans, events, links. So each table's
// attrs is one number longer than the table, and ends where the next table's
// begins.
type columns struct {
	dst     []byte
	b       *telemetry.Batch
	strings map[string]int
	list    []string          // by index
	lists   []telemetry.Range // the attribute lists written so far, in order
	attrs   int               // how many attributes they have
	spill   func([]byte) ([]byte, error)
	err     error // the first one of spill: what is written further is for nothing
}

// writeColumns appends the answer to dst. Between values it hands what there is
// to spill, once that is a piece, and goes on with what spill returns; an error
// of it ends the writing.
func writeColumns(dst []byte, t *exec.Trace, spill func([]byte) ([]byte, error)) ([]byte, error) {
	// A guess at the size of a small answer saves most of the copying while dst
	// grows.
	dst = slices.Grow(dst, min(96*len(t.Batch.Spans)+48*len(t.Batch.Attrs), answer.PieceSize+4096))
	c := columns{spill: spill, dst: dst, b: &t.Batch, strings: map[string]int{"": 0}, list: []string{""}}
	c.dst = appendHex(append(c.dst, `{"traceId":`...), c.b.Spans[0].TraceID[:])
	base := uint64(math.MaxUint64)
	for i := range c.b.Spans {
		base = min(base, c.b.Spans[i].Start)
	}
	c.dst = appendUint64Field(c.dst, "startTimeUnixNano", base)
	c.resources()
	c.scopes()
	events, links := c.spans(t, base)
	c.events(events, base)
	c.links(links)
	c.attributes()
	c.stringTable()
	return append(appendStats(append(c.dst, `,"stats":`...), t.Stats), '}'), c.err
}

// offer hands over what is written. It must be followed by a value.
func (c *columns) offer() {
	if len(c.dst) < answer.PieceSize { // spill would return it
		return
	}
	var err error
	if c.dst, err = c.spill(c.dst); err != nil && c.err == nil {
		c.err = err
	}
}

// text is the index of s in the table of strings.
func (c *columns) text(s string) int64 {
	i, ok := c.strings[s]
	if !ok {
		i = len(c.list)
		c.strings[s] = i
		c.list = append(c.list, s)
	}
	return int64(i)
}

// table begins an object with arrays.
func (c *columns) table(name string) {
	c.dst = append(appendName(c.dst, name), '{')
}

func (c *columns) endTable() { c.dst = append(c.dst, '}') }

// array begins an array of the table that was begun last.
func (c *columns) array(name string) {
	if c.dst[len(c.dst)-1] != '{' {
		c.dst = append(c.dst, ',')
	}
	c.dst = append(append(append(c.dst, '"'), name...), `":[`...)
}

// separate puts a comma before element i.
func (c *columns) separate(i int) {
	c.offer()
	if i > 0 {
		c.dst = append(c.dst, ',')
	}
}

// column writes an array of numbers, one for each of rows.
func column[T any](c *columns, name string, rows []T, value func(*T) int64) {
	c.array(name)
	for i := range rows {
		if c.err != nil {
			break
		}
		c.separate(i)
		c.dst = strconv.AppendInt(c.dst, value(&rows[i]), 10)
	}
	c.dst = append(c.dst, ']')
}

// attrLists writes where each row's attributes begin and where the last ones
// end.
func attrLists[T any](c *columns, rows []T, list func(*T) telemetry.Range) {
	c.array("attrs")
	for i := range rows {
		c.offer()
		c.dst = append(strconv.AppendInt(c.dst, int64(c.attrs), 10), ',')
		r := list(&rows[i])
		c.lists = append(c.lists, r)
		c.attrs += r.Len()
	}
	c.dst = append(strconv.AppendInt(c.dst, int64(c.attrs), 10), ']')
}

func (c *columns) resources() {
	rows := c.b.Resources
	services := make([]int64, len(rows))
	for i := range rows {
		services[i] = c.text(c.b.ServiceName(uint32(i)))
	}
	c.table("resources")
	column(c, "service", services, func(i *int64) int64 { return *i })
	column(c, "schemaUrl", rows, func(r *telemetry.Resource) int64 { return c.text(r.SchemaURL) })
	column(c, "dropped", rows, func(r *telemetry.Resource) int64 { return int64(r.DroppedAttrs) })
	attrLists(c, rows, func(r *telemetry.Resource) telemetry.Range { return r.Attrs })
	c.endTable()
}

func (c *columns) scopes() {
	rows := c.b.Scopes
	c.table("scopes")
	column(c, "name", rows, func(s *telemetry.Scope) int64 { return c.text(s.Name) })
	column(c, "version", rows, func(s *telemetry.Scope) int64 { return c.text(s.Version) })
	column(c, "schemaUrl", rows, func(s *telemetry.Scope) int64 { return c.text(s.SchemaURL) })
	column(c, "dropped", rows, func(s *telemetry.Scope) int64 { return int64(s.DroppedAttrs) })
	attrLists(c, rows, func(s *telemetry.Scope) telemetry.Range { return s.Attrs })
	c.endTable()
}

// spans writes the spans and returns their events and links, in order.
func (c *columns) spans(t *exec.Trace, base uint64) (events []telemetry.Event, links []telemetry.Link) {
	rows := c.b.Spans
	c.table("spans")
	c.array("id")
	for i := range rows {
		c.separate(i)
		c.dst = appendHex(c.dst, rows[i].SpanID[:])
	}
	c.dst = append(c.dst, ']')
	column(c, "parent", t.Parent, func(p *int32) int64 { return int64(*p) })
	c.parentIDs(t)
	column(c, "start", rows, func(s *telemetry.Span) int64 { return int64(s.Start - base) })
	column(c, "duration", rows, func(s *telemetry.Span) int64 { return int64(s.Duration()) })
	column(c, "name", rows, func(s *telemetry.Span) int64 { return c.text(s.Name) })
	column(c, "kind", rows, func(s *telemetry.Span) int64 { return int64(s.Kind) })
	column(c, "status", rows, func(s *telemetry.Span) int64 { return int64(s.Status) })
	column(c, "statusMessage", rows, func(s *telemetry.Span) int64 { return c.text(s.StatusMessage) })
	column(c, "resource", rows, func(s *telemetry.Span) int64 { return int64(s.Resource) })
	column(c, "scope", rows, func(s *telemetry.Span) int64 { return int64(s.Scope) })
	column(c, "traceState", rows, func(s *telemetry.Span) int64 { return c.text(s.TraceState) })
	column(c, "flags", rows, func(s *telemetry.Span) int64 { return int64(s.Flags) })
	column(c, "droppedAttrs", rows, func(s *telemetry.Span) int64 { return int64(s.DroppedAttrs) })
	column(c, "droppedEvents", rows, func(s *telemetry.Span) int64 { return int64(s.DroppedEvents) })
	column(c, "droppedLinks", rows, func(s *telemetry.Span) int64 { return int64(s.DroppedLinks) })
	attrLists(c, rows, func(s *telemetry.Span) telemetry.Range { return s.Attrs })
	firstEvent, firstLink := make([]int, 1, len(rows)+1), make([]int, 1, len(rows)+1)
	for i := range rows {
		events = append(events, c.b.EventsOf(&rows[i])...)
		links = append(links, c.b.LinksOf(&rows[i])...)
		firstEvent, firstLink = append(firstEvent, len(events)), append(firstLink, len(links))
	}
	column(c, "events", firstEvent, func(i *int) int64 { return int64(*i) })
	column(c, "links", firstLink, func(i *int) int64 { return int64(*i) })
	c.endTable()
	return events, links
}

// parentIDs writes the parent of each row that names one but hangs below
// none.
func (c *columns) parentIDs(t *exec.Trace) {
	c.dst = append(c.dst, `,"parentId":{`...)
	first := true
	for i, p := range t.Parent {
		c.offer()
		if s := &c.b.Spans[i]; p < 0 && !s.ParentID.IsZero() {
			c.dst = append(appendComma(c.dst, &first), '"')
			c.dst = append(strconv.AppendInt(c.dst, int64(i), 10), `":`...)
			c.dst = appendHex(c.dst, s.ParentID[:])
		}
	}
	c.dst = append(c.dst, '}')
}

func (c *columns) events(rows []telemetry.Event, base uint64) {
	c.table("events")
	column(c, "time", rows, func(e *telemetry.Event) int64 { return int64(e.Time - base) })
	column(c, "name", rows, func(e *telemetry.Event) int64 { return c.text(e.Name) })
	column(c, "dropped", rows, func(e *telemetry.Event) int64 { return int64(e.DroppedAttrs) })
	attrLists(c, rows, func(e *telemetry.Event) telemetry.Range { return e.Attrs })
	c.endTable()
}

func (c *columns) links(rows []telemetry.Link) {
	c.table("links")
	c.array("traceId")
	for i := range rows {
		c.separate(i)
		c.dst = appendHex(c.dst, rows[i].TraceID[:])
	}
	c.dst = append(c.dst, ']')
	c.array("spanId")
	for i := range rows {
		c.separate(i)
		c.dst = appendHex(c.dst, rows[i].SpanID[:])
	}
	c.dst = append(c.dst, ']')
	column(c, "traceState", rows, func(l *telemetry.Link) int64 { return c.text(l.TraceState) })
	column(c, "flags", rows, func(l *telemetry.Link) int64 { return int64(l.Flags) })
	column(c, "dropped", rows, func(l *telemetry.Link) int64 { return int64(l.DroppedAttrs) })
	attrLists(c, rows, func(l *telemetry.Link) telemetry.Range { return l.Attrs })
	c.endTable()
}

// attributes writes the table that the lists are runs of.
func (c *columns) attributes() {
	c.table("attributes")
	c.array("key")
	n := 0
	for _, l := range c.lists {
		for _, a := range c.b.AttrsOf(l) {
			c.separate(n)
			c.dst = strconv.AppendInt(c.dst, c.text(a.Key), 10)
			n++
		}
	}
	c.dst = append(c.dst, ']')
	c.array("value")
	n = 0
	for _, l := range c.lists {
		for _, a := range c.b.AttrsOf(l) {
			c.separate(n)
			c.dst = otlpjson.AppendValue(c.dst, a.Value)
			n++
		}
	}
	c.dst = append(c.dst, ']')
	c.endTable()
}

func (c *columns) stringTable() {
	c.dst = append(c.dst, `,"strings":[`...)
	for i, s := range c.list {
		c.separate(i)
		c.dst = appendString(c.dst, s)
	}
	c.dst = append(c.dst, ']')
}
