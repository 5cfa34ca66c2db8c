package native

// Status is the answer of /status: what this kiseki is, and what it holds of
// the tenant that asks. What the process does for all tenants is [Server].
// Times are Unix nanoseconds, sizes bytes.
type Status struct {
	Version      string `json:"version"`
	StartTime    uint64 `json:"startTimeUnixNano,string"` // of the process
	SpanCount    uint64 `json:"spanCount"`
	DiskBytes    uint64 `json:"diskBytes"`
	SegmentCount int    `json:"segmentCount"`
	// MinSpanStart and MaxSpanStart are the earliest and the latest span start;
	// 0 while there are no spans.
	MinSpanStart uint64    `json:"minSpanStartUnixNano,string,omitempty"`
	MaxSpanStart uint64    `json:"maxSpanStartUnixNano,string,omitempty"`
	Storage      Storage   `json:"storage"`
	Retention    Retention `json:"retention"`
	Lost         []Lost    `json:"lost"` // to damage
	Endpoints    Endpoints `json:"endpoints"`
}

// Storage is where the spans are.
type Storage struct {
	HeadSpanCount uint64 `json:"headSpanCount"` // in memory and in the log, not yet in a segment
	HeadBytes     int64  `json:"headBytes"`     // of memory
	// SegmentSpanCount and SegmentBytes are on disk.
	SegmentSpanCount uint64 `json:"segmentSpanCount"`
	SegmentBytes     int64  `json:"segmentBytes"`
	// PendingSegmentCount are segments that wait for compaction.
	PendingSegmentCount int  `json:"pendingSegmentCount"`
	FlushFailing        bool `json:"flushFailing"` // writing a segment fails and is tried again
}

// Retention is how long spans are kept, and what that has done since the start.
type Retention struct {
	Age   int64           `json:"ageNanos,string,omitempty"` // 0: no bound
	Bytes int64           `json:"bytes,omitempty"`           // of segments; 0: no bound
	Rules []RetentionRule `json:"rules"`
	Next  *Expiry         `json:"next,omitempty"` // nil: nothing will be too old
	// EarlySegmentCount are those of DeletedSegmentCount that went before their
	// time because the disk was filling up.
	DeletedSpanCount    uint64 `json:"deletedSpanCount"`
	DeletedSegmentCount uint64 `json:"deletedSegmentCount"`
	EarlySegmentCount   uint64 `json:"earlySegmentCount"`
}

// RetentionRule keeps the traces that a query matches for another time.
type RetentionRule struct {
	Match string `json:"match"`
	Age   int64  `json:"ageNanos,string,omitempty"` // 0: for ever
}

// Expiry is what retention by age deletes next: of one segment all spans or,
// unless it is Whole, those of the traces whose rule says so.
type Expiry struct {
	Due          uint64 `json:"dueTimeUnixNano,string"` // it happens some minutes later
	Whole        bool   `json:"whole"`
	SpanCount    uint64 `json:"spanCount"` // of the segment
	Bytes        int64  `json:"bytes"`     // likewise
	MinSpanStart uint64 `json:"minSpanStartUnixNano,string"`
	MaxSpanStart uint64 `json:"maxSpanStartUnixNano,string"`
}

// Lost is what one damaged file has lost: answers that need it are incomplete.
type Lost struct {
	File  string `json:"file"`      // of the data folder
	Spans uint64 `json:"spanCount"` // 0: not known
	// MinSpanStart and MaxSpanStart bound the starts of the lost spans.
	MinSpanStart uint64 `json:"minSpanStartUnixNano,string"`
	MaxSpanStart uint64 `json:"maxSpanStartUnixNano,string"`
}

// Endpoints are where to send telemetry.
type Endpoints struct {
	OTLPHTTP string `json:"otlpHttp"` // a URL
	OTLPGRPC string `json:"otlpGrpc"` // host:port
}

func (a *api) getStatus(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	s := a.Status()
	s.Lost = append([]Lost{}, s.Lost...)
	s.Retention.Rules = append([]RetentionRule{}, s.Retention.Rules...)
	return q.encode(s)
}
