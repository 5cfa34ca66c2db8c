package archive

// Columns is the schema of a Parquet file: one row a span. Names and meanings
// are part of the format; docs/export.md describes them.
//
// Types are those that DuckDB, ClickHouse, Spark and BigQuery all read without
// a setting: so times are in microseconds, with the exact nanoseconds beside
// them as integers, integers are signed and of 64 bits, and ids are text. The
// attribute maps are for queries: they hold text, and of a key that occurs
// twice the first value. The columns that end in _otlp hold the same attributes
// exactly, as lists of OTLP/JSON KeyValue objects; empty ones are null.
type Columns struct {
	TraceID                string            `parquet:"trace_id,dict"`
	SpanID                 string            `parquet:"span_id"`
	ParentSpanID           *string           `parquet:"parent_span_id"`
	TraceState             *string           `parquet:"trace_state,dict"`
	Flags                  int64             `parquet:"flags,dict"`
	ServiceName            *string           `parquet:"service_name,dict"`
	Name                   string            `parquet:"name,dict"`
	Kind                   string            `parquet:"kind,dict"`
	StartTime              int64             `parquet:"start_time,timestamp(microsecond)"`
	EndTime                *int64            `parquet:"end_time,timestamp(microsecond)"`
	StartUnixNano          int64             `parquet:"start_unix_nano,delta"`
	EndUnixNano            int64             `parquet:"end_unix_nano,delta"`
	DurationNano           int64             `parquet:"duration_nano"`
	StatusCode             string            `parquet:"status_code,dict"`
	StatusMessage          *string           `parquet:"status_message,dict"`
	ScopeName              *string           `parquet:"scope_name,dict"`
	ScopeVersion           *string           `parquet:"scope_version,dict"`
	ResourceAttributes     map[string]string `parquet:"resource_attributes" parquet-key:",dict" parquet-value:",dict"`
	ScopeAttributes        map[string]string `parquet:"scope_attributes" parquet-key:",dict" parquet-value:",dict"`
	SpanAttributes         map[string]string `parquet:"span_attributes" parquet-key:",dict"`
	Events                 []EventColumns    `parquet:"events,list"`
	Links                  []LinkColumns     `parquet:"links,list"`
	DroppedAttributes      int64             `parquet:"dropped_attributes_count,dict"`
	DroppedEvents          int64             `parquet:"dropped_events_count,dict"`
	DroppedLinks           int64             `parquet:"dropped_links_count,dict"`
	ResourceDropped        int64             `parquet:"resource_dropped_attributes_count,dict"`
	ResourceSchemaURL      *string           `parquet:"resource_schema_url,dict"`
	ScopeDropped           int64             `parquet:"scope_dropped_attributes_count,dict"`
	ScopeSchemaURL         *string           `parquet:"scope_schema_url,dict"`
	ResourceAttributesOTLP *string           `parquet:"resource_attributes_otlp,dict"`
	ScopeAttributesOTLP    *string           `parquet:"scope_attributes_otlp,dict"`
	SpanAttributesOTLP     *string           `parquet:"span_attributes_otlp"`
}

// EventColumns is an element of the events.
type EventColumns struct {
	Time              int64             `parquet:"time,timestamp(microsecond)"`
	UnixNano          int64             `parquet:"unix_nano"`
	Name              string            `parquet:"name,dict"`
	DroppedAttributes int64             `parquet:"dropped_attributes_count,dict"`
	AttributesOTLP    string            `parquet:"attributes_otlp"`
	Attributes        map[string]string `parquet:"attributes" parquet-key:",dict"`
}

// LinkColumns is an element of the links.
type LinkColumns struct {
	TraceID           string            `parquet:"trace_id"`
	SpanID            string            `parquet:"span_id"`
	TraceState        string            `parquet:"trace_state,dict"`
	Flags             int64             `parquet:"flags,dict"`
	DroppedAttributes int64             `parquet:"dropped_attributes_count,dict"`
	AttributesOTLP    string            `parquet:"attributes_otlp"`
	Attributes        map[string]string `parquet:"attributes" parquet-key:",dict"`
}

// metaKey is the key of the file's metadata that says that it is ours, and
// metaVersion the version of the schema.
const (
	metaKey     = "kiseki.export"
	metaVersion = "1"
)
