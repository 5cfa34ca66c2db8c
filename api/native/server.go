package native

import "net/http"

// Server is the answer of /server: what the whole process does, for all
// tenants together. Its counters, since the start, are those of /metrics; they
// are not kept by tenant, for the number of series would then be the clients'
// to choose. So with tenants on only the default one, the operator's, is told,
// and what belongs to one tenant is in [Status].
//
// A History has an entry for each step that has ended, the oldest first and an
// hour's at most: how much a counter grew in it, or what a gauge was at its
// end. Without one nothing was counted in that time.
type Server struct {
	HistoryStep uint64     `json:"historyStepNanos,string"`
	HistoryEnd  uint64     `json:"historyEndTimeUnixNano,string"` // of the last step
	TenantCount int        `json:"tenantCount"`
	Receivers   []Receiver `json:"receivers"`
	Listeners   []Listener `json:"listeners"`
	Drops       []Drop     `json:"drops"`
	// Destinations are those that spans are sent on to.
	Destinations []Destination `json:"destinations"`
	// SegmentSpanCount and SegmentBytes are those of all tenants' segments.
	SegmentSpanCount uint64 `json:"segmentSpanCount"`
	SegmentBytes     int64  `json:"segmentBytes"`
	Disk             *Disk  `json:"disk,omitempty"` // nil where it cannot be read
	Memory           Memory `json:"memory"`
}

// Receiver is what came by one protocol and transport.
type Receiver struct {
	Protocol  string `json:"protocol"`
	Transport string `json:"transport"`
	// RefusedRequestCount of the RequestCount brought nothing.
	RequestCount        uint64 `json:"requestCount"`
	RefusedRequestCount uint64 `json:"refusedRequestCount"`
	SpanCount           uint64 `json:"spanCount"`         // stored
	Bytes               uint64 `json:"bytes"`             // as received
	DecompressedBytes   uint64 `json:"decompressedBytes"` // the same, decompressed

	SpanHistory    []uint32 `json:"spanHistory,omitempty"`
	ByteHistory    []uint32 `json:"byteHistory,omitempty"`
	RequestHistory []uint32 `json:"requestHistory,omitempty"`
}

// Listener is where a protocol beside OTLP is taken, or why it is not.
type Listener struct {
	Title   string `json:"title"`
	Setting string `json:"setting"` // the key that sets its address
	State   string `json:"state"`   // one of openapi.yaml's
	// Address is as clients of this machine use it where it is open, as set where
	// it is missing, and "" where it is off.
	Address string `json:"address,omitempty"`
	Reason  string `json:"reason,omitempty"` // why it is missing
}

// The states of a [Listener].
const (
	ListenerOpen    = "open"
	ListenerOff     = "off"
	ListenerMissing = "missing"
)

// Drop is what was not taken, or not as it came, for one reason.
type Drop struct {
	Reason  string   `json:"reason"` // one of openapi.yaml's
	Count   uint64   `json:"count"`
	History []uint32 `json:"history,omitempty"`
}

// Destination is where spans are sent on to, with what became of them.
type Destination struct {
	Name          string `json:"name"`
	Address       string `json:"address"`
	SentSpanCount uint64 `json:"sentSpanCount"`
	// FailedRequestCount of the RequestCount attempts failed.
	RequestCount       uint64 `json:"requestCount"`
	FailedRequestCount uint64 `json:"failedRequestCount"`
	QueuedBytes        int64  `json:"queuedBytes"` // of spans that wait on disk
	QueueLimit         int64  `json:"queueLimitBytes"`
	Drops              []Drop `json:"drops"` // spans that are stored but not sent; without those of no span
	// Failure is why the last attempt failed, and FailingSince when attempts
	// began to (Unix nanoseconds); "" and 0 where the last one succeeded.
	Failure      string `json:"failure,omitempty"`
	FailingSince uint64 `json:"failingSinceUnixNano,omitempty,string"`
}

// Disk is the volume of the data folder, in bytes.
type Disk struct {
	Directory string `json:"directory"`
	Size      uint64 `json:"sizeBytes"`
	Free      uint64 `json:"freeBytes"`     // what may still be written
	Reserved  uint64 `json:"reservedBytes"` // free space at which spans are refused
	// Watermark is the free space below which retention deletes early; 0: never.
	Watermark int64 `json:"watermarkBytes,omitempty"`
}

// Memory is that of the process, in bytes.
type Memory struct {
	Resident uint64 `json:"residentBytes,omitempty"` // 0 where it cannot be read
	Limit    int64  `json:"limitBytes"`
	Head     int64  `json:"headBytes"`
	Cache    int64  `json:"cacheBytes"`
	// ResidentHistory is in KiB.
	ResidentHistory []uint32 `json:"residentKiBHistory,omitempty"`
}

// Settings is the answer of /settings: all that are in force. None of them is
// a secret; a key of TLS is the name of a file.
type Settings struct {
	File     string    `json:"file,omitempty"` // the configuration file that was read
	Settings []Setting `json:"settings"`
}

// Setting is one setting in force; values are as they are written.
type Setting struct {
	Group   string `json:"group"` // of the reference
	Key     string `json:"key"`
	Value   string `json:"value"`
	Default string `json:"default"`
	Source  string `json:"source"` // one of openapi.yaml's
}

// errNotTold answers whom Options.Server does not tell.
var errNotTold = &problem{
	Status: http.StatusForbidden, Title: "Not this tenant's to know",
	Detail: "Figures and settings of the whole server are told to the default tenant only.",
}

func (a *api) getServer(q *request) error { return tell(q, a.Server) }

func (a *api) getSettings(q *request) error { return tell(q, a.Settings) }

func tell[T any](q *request, f func() T) error {
	if err := q.params.done(); err != nil {
		return err
	}
	if f == nil {
		return errNotTold
	}
	return q.encode(f())
}
