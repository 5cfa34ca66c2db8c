package jaeger

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The encodings of messages that are one span each, as Jaeger's collectors put
// into Kafka.
const (
	EncodingSpan     = "span protobuf" // a Span of model.proto with its process
	EncodingSpanJSON = "span json"     // the same in protobuf's mapping to JSON
)

// NewDecoder makes a decoder of [EncodingSpan] and [EncodingSpanJSON].
func NewDecoder(l ingest.Limits) ingest.Decoder { return spanDecoder{newDecoder(l)} }

type spanDecoder struct{ *decoder }

// Decode implements [ingest.Decoder].
func (d spanDecoder) Decode(encoding string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	return d.add(b, func() error {
		if encoding == EncodingSpanJSON {
			return d.jsonSpan(body)
		}
		own, err := d.protoSpan(body)
		if err == nil {
			err = d.protoProcess(own)
		}
		if err != nil {
			return err
		}
		return d.out.add(&d.span, d.out.resource(&d.process))
	})
}

// spanJSON is a Span in JSON. Bytes are base64, 64-bit integers strings or
// numbers.
type spanJSON struct {
	TraceID       []byte `json:"traceId"`
	SpanID        []byte `json:"spanId"`
	OperationName string `json:"operationName"`
	References    []struct {
		TraceID []byte `json:"traceId"`
		SpanID  []byte `json:"spanId"`
		RefType string `json:"refType"`
	} `json:"references"`
	Flags     uint32    `json:"flags"`
	StartTime time.Time `json:"startTime"`
	Duration  string    `json:"duration"`
	Tags      []tagJSON `json:"tags"`
	Logs      []struct {
		Timestamp time.Time `json:"timestamp"`
		Fields    []tagJSON `json:"fields"`
	} `json:"logs"`
	Process struct {
		ServiceName string    `json:"serviceName"`
		Tags        []tagJSON `json:"tags"`
	} `json:"process"`
	Warnings []string `json:"warnings"`
}

type tagJSON struct {
	Key     string      `json:"key"`
	Type    string      `json:"vType"`
	Str     string      `json:"vStr"`
	Bool    bool        `json:"vBool"`
	Int64   json.Number `json:"vInt64"`
	Float64 any         `json:"vFloat64"` // a number, or the name of what JSON has no number for
	Binary  []byte      `json:"vBinary"`
}

func (t *tagJSON) value() (telemetry.Value, error) {
	switch t.Type {
	case "", "STRING":
		return telemetry.StringValue(t.Str), nil
	case "BOOL":
		return telemetry.BoolValue(t.Bool), nil
	case "BINARY":
		return telemetry.BytesValue(string(t.Binary)), nil
	case "INT64":
		if t.Int64 == "" {
			return telemetry.IntValue(0), nil
		}
		n, err := strconv.ParseInt(string(t.Int64), 10, 64)
		return telemetry.IntValue(n), err
	case "FLOAT64":
		switch x := t.Float64.(type) {
		case nil:
			return telemetry.DoubleValue(0), nil
		case float64:
			return telemetry.DoubleValue(x), nil
		case string:
			x64, err := strconv.ParseFloat(x, 64)
			return telemetry.DoubleValue(x64), err
		}
	}
	return telemetry.Value{}, fmt.Errorf("tag %.60q has no value of type %.20q", t.Key, t.Type)
}

// jsonSpan decodes a span.
func (d *decoder) jsonSpan(body []byte) error {
	var in spanJSON
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	s := &d.span
	s.reset()
	s.name, s.flags, s.warnings = in.OperationName, in.Flags, in.Warnings
	if err := setIDs(in.TraceID, in.SpanID, &s.traceID, &s.id); err != nil {
		return err
	}
	for _, r := range in.References {
		ref := reference{followsFrom: r.RefType == "FOLLOWS_FROM"}
		if err := setIDs(r.TraceID, r.SpanID, &ref.trace, &ref.span); err != nil {
			return err
		}
		s.references = append(s.references, ref)
	}
	length := time.Duration(0)
	if in.Duration != "" {
		var err error
		if length, err = time.ParseDuration(in.Duration); err != nil {
			return fmt.Errorf("duration %.40q is none", in.Duration)
		}
	}
	var err error
	if s.start, err = jsonNanos(in.StartTime); err != nil {
		return err
	}
	s.end = endOf(s.start, int64(length))
	if s.tags, err = tagsOf(s.tags, in.Tags); err != nil {
		return err
	}
	for _, l := range in.Logs {
		at, err := jsonNanos(l.Timestamp)
		if err != nil {
			return err
		}
		first := uint32(len(s.fields))
		if s.fields, err = tagsOf(s.fields, l.Fields); err != nil {
			return err
		}
		s.logs = append(s.logs, log{time: at, fields: telemetry.Range{Start: first, End: uint32(len(s.fields))}})
	}
	p := &d.process
	*p = process{service: in.Process.ServiceName, tags: p.tags[:0]}
	if p.tags, err = tagsOf(p.tags, in.Process.Tags); err != nil {
		return err
	}
	return d.out.add(s, d.out.resource(p))
}

func setIDs(traceBytes, spanBytes []byte, trace *telemetry.TraceID, span *telemetry.SpanID) error {
	if err := setID("traceId", trace[:], traceBytes); err != nil {
		return err
	}
	return setID("spanId", span[:], spanBytes)
}

// jsonNanos is a time in Unix nanoseconds; one that is not given is 0.
func jsonNanos(t time.Time) (uint64, error) {
	switch s := t.Unix(); {
	case t.IsZero():
		return 0, nil
	case s < 0 || s > math.MaxInt64/int64(time.Second)-1:
		return 0, fmt.Errorf("%s is no time between 1970 and 2262", t)
	}
	return uint64(t.UnixNano()), nil
}

func tagsOf(dst []telemetry.Attr, all []tagJSON) ([]telemetry.Attr, error) {
	for i := range all {
		v, err := all[i].value()
		if err != nil {
			return dst, err
		}
		dst = append(dst, telemetry.Attr{Key: all[i].Key, Value: v})
	}
	return dst, nil
}
