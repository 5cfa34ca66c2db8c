package demo

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// span is a received span with its resource beside it.
type span struct {
	*tracepb.Span
	service  string
	resource []*commonpb.KeyValue
}

func (s span) attr(key string) string { return find(s.Attributes, key) }

// exceptions are the attributes of the span's exception events.
func (s span) exceptions() [][]*commonpb.KeyValue {
	var found [][]*commonpb.KeyValue
	for _, e := range s.Events {
		if e.Name == "exception" {
			found = append(found, e.Attributes)
		}
	}
	return found
}

// find is the value of an attribute as text, "" if there is none.
func find(attrs []*commonpb.KeyValue, key string) string {
	for _, a := range attrs {
		if a.Key != key {
			continue
		}
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			return v.StringValue
		case *commonpb.AnyValue_IntValue:
			return fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			return fmt.Sprint(v.BoolValue)
		default:
			return a.Value.String()
		}
	}
	return ""
}

// receiver is an OTLP/HTTP receiver that keeps everything.
type receiver struct {
	*httptest.Server
	mu struct {
		sync.Mutex
		spans []span
	}
}

// newReceiver listens on a port of its own, or on the address given.
func newReceiver(t *testing.T, address ...string) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.receive(req); err != nil {
			t.Errorf("receive export request: %v", err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	for _, a := range address {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Listener.Close()
		r.Listener = l
	}
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) receive(req *http.Request) error {
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = z
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var export coltracepb.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &export); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range export.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				r.mu.spans = append(r.mu.spans, span{s, find(rs.Resource.Attributes, "service.name"), rs.Resource.Attributes})
			}
		}
	}
	return nil
}

func (r *receiver) spans() []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.spans[:len(r.mu.spans):len(r.mu.spans)]
}
