package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A sent trace is what one request carried: all spans of one trace.
type sent struct {
	id    string
	spans map[string]string // name by span ID
}

// loader sends requests one after the other and remembers those that were
// acknowledged. Its random source is its own.
type loader struct {
	rand    *rand.Rand
	padding int    // bytes of attribute a span
	service string // empty: one of eight
	send    func(context.Context, ptraceotlp.ExportRequest) error
	acked   []sent
}

// run sends until a request fails, which it does when the server is killed,
// or until max requests were acknowledged.
func (l *loader) run(ctx context.Context, max int) error {
	for len(l.acked) < max {
		trace, request := l.make()
		if err := l.send(ctx, request); err != nil {
			return err
		}
		l.acked = append(l.acked, trace)
	}
	return nil
}

func (l *loader) make() (sent, ptraceotlp.ExportRequest) {
	var traceID pcommon.TraceID
	binary.BigEndian.PutUint64(traceID[:], l.rand.Uint64())
	binary.BigEndian.PutUint64(traceID[8:], l.rand.Uint64()|1)
	trace := sent{id: traceID.String(), spans: map[string]string{}}
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	service := l.service
	if service == "" {
		service = fmt.Sprintf("loader-%d", l.rand.IntN(8))
	}
	rs.Resource().Attributes().PutStr("service.name", service)
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	now := time.Now()
	for range 1 + l.rand.IntN(40) {
		var id pcommon.SpanID
		binary.BigEndian.PutUint64(id[:], l.rand.Uint64()|1)
		s := spans.AppendEmpty()
		s.SetTraceID(traceID)
		s.SetSpanID(id)
		s.SetName(fmt.Sprintf("step %x", l.rand.Uint32()))
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(now))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Duration(l.rand.IntN(1e9)))))
		s.Attributes().PutStr("padding", strings.Repeat(fmt.Sprintf("%x", l.rand.Uint64()), l.padding/16))
		trace.spans[id.String()] = s.Name()
	}
	return trace, ptraceotlp.NewExportRequestFromTraces(td)
}

// sendHTTP sends OTLP over HTTP as protobuf.
func sendHTTP(s *server) func(context.Context, ptraceotlp.ExportRequest) error {
	client := &http.Client{Transport: &http.Transport{}}
	return func(ctx context.Context, r ptraceotlp.ExportRequest) error {
		body, err := r.MarshalProto()
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, "POST", s.otlpHTTP+"/v1/traces", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-protobuf")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %q", resp.Status, answer)
		}
		return err
	}
}

// sendGRPC sends OTLP over gRPC.
func sendGRPC(t *testing.T, s *server) func(context.Context, ptraceotlp.ExportRequest) error {
	conn, err := grpc.NewClient(s.otlpGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client := ptraceotlp.NewGRPCClient(conn)
	return func(ctx context.Context, r ptraceotlp.ExportRequest) error {
		_, err := client.Export(ctx, r)
		return err
	}
}

// load runs n loaders, half over HTTP and half over gRPC, until each has had
// max requests acknowledged or the server is gone, and returns what was
// acknowledged.
func load(t *testing.T, s *server, r *rand.Rand, n, max, padding int) func() []sent {
	var running sync.WaitGroup
	loaders := make([]*loader, n)
	for i := range loaders {
		l := &loader{rand: rand.New(rand.NewPCG(r.Uint64(), r.Uint64())), padding: padding, send: sendHTTP(s)}
		if i%2 == 1 {
			l.send = sendGRPC(t, s)
		}
		loaders[i] = l
		running.Go(func() { l.run(t.Context(), max) })
	}
	return func() (acked []sent) {
		running.Wait()
		for _, l := range loaders {
			acked = append(acked, l.acked...)
		}
		return acked
	}
}
