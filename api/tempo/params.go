package tempo

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/query/plan"
)

// params are the query parameters of a request. The first one that is not
// understood is the error of all.
type params struct {
	values url.Values
	err    error
}

func readParams(r *http.Request) params {
	v, err := url.ParseQuery(r.URL.RawQuery)
	p := params{values: v}
	if err != nil {
		p.err = refuse("invalid query string: %s", err)
	}
	return p
}

func (p *params) text(name string) string { return p.values.Get(name) }

func (p *params) fail(name, value, want string) {
	if p.err == nil {
		p.err = refuse("invalid %s: %.64q is not %s", name, value, want)
	}
}

// number takes an integer; one that is not given is 0.
func (p *params) number(name string) uint32 {
	s := p.text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		p.fail(name, s, "an integer of at most 32 bits")
	}
	return uint32(n)
}

// duration takes a duration; one that is not given is 0.
func (p *params) duration(name string) time.Duration {
	s := p.text(name)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		p.fail(name, s, "a duration such as 1m30s or 500ms")
		return 0
	}
	return d
}

// secondsBelow is where numbers are no seconds any more but nanoseconds: as
// the former it is in the year 2286, as the latter ten seconds after 1970 began.
const secondsBelow = 10_000_000_000

// moment takes a time in Unix seconds, Unix nanoseconds or RFC 3339, and gives
// Unix nanoseconds; ok is false where it is not given.
func (p *params) moment(name string) (at uint64, ok bool) {
	s := p.text(name)
	if s == "" {
		return 0, false
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		if n < secondsBelow {
			n *= uint64(time.Second)
		}
		return n, true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f < secondsBelow {
		whole, part := math.Modf(f)
		return uint64(whole)*uint64(time.Second) + uint64(part*1e9), true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Unix() < 0 || t.Unix() >= secondsBelow {
		p.fail(name, s, "a time in Unix seconds, in Unix nanoseconds or as RFC 3339 has it")
		return 0, false
	}
	return uint64(t.Unix())*uint64(time.Second) + uint64(t.Nanosecond()), true
}

// within is a range of seconds, the last one included, as one of nanoseconds
// without its end. 0 is no bound.
func within(start, end uint32) (from, to uint64, err error) {
	from, to = uint64(start)*uint64(time.Second), plan.All
	if end != 0 {
		to = (uint64(end) + 1) * uint64(time.Second)
	}
	if from >= to {
		return 0, 0, refuse("invalid end: %d is before the start, %d", end, start)
	}
	return from, to, nil
}

// WantsProtobuf reports whether the client asks for protobuf rather than JSON.
func WantsProtobuf(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for item := range strings.SplitSeq(accept, ",") {
			name, _, _ := strings.Cut(item, ";")
			switch strings.TrimSpace(name) {
			case mimeProtobuf, "application/x-protobuf":
				return true
			}
		}
	}
	return false
}
