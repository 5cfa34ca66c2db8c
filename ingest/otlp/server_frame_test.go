package otlp

import (
	"bytes"
	"encoding/binary"
	"github.com/kiseki-dev/kiseki/ingest"
	"io"
	"net/http"
	"testing"
)

// frame is a message with the five bytes before it.
func frame(flag byte, size int, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(size)), body...)
}

// TestGRPCFrames sends what a proper client would not.
func TestGRPCFrames(t *testing.T) {
	f := start(t, &sink{}, Options{Limits: ingest.Limits{RequestBytes: 1 << 20}})
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &p}}
	defer client.CloseIdleConnections()
	good := wrapSpans(span(5, "good"))
	for _, c := range []struct {
		name, encoding string
		body           []byte
		status         string
		outcome        string
	}{
		{"good", "", frame(0, len(good), good), "0", ingest.OutcomeOK},
		{"nothing", "", nil, "1", ingest.OutcomeCanceled},
		{"half a frame", "", []byte{0, 0}, "1", ingest.OutcomeCanceled},
		{"cut off", "", frame(0, len(good)+1, good), "1", ingest.OutcomeCanceled},
		{"claims a lot", "", frame(0, 1<<30, good), "8", ingest.OutcomeTooLarge},
		{"compressed with nothing", "", frame(1, len(good), good), "3", ingest.OutcomeMalformed},
		{"unknown flag", "gzip", frame(2, len(good), good), "3", ingest.OutcomeMalformed},
		{"unknown compression", "brotli", frame(1, len(good), good), "12", ingest.OutcomeUnsupported},
		{"not gzip", "gzip", frame(1, len(good), good), "3", ingest.OutcomeMalformed},
		{"empty", "", frame(0, 0, nil), "0", ingest.OutcomeOK},
	} {
		req, err := http.NewRequest(http.MethodPost, "http://"+f.grpcAddr+"/"+traceService+"/Export", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/grpc+proto")
		if c.encoding != "" {
			req.Header.Set("Grpc-Encoding", c.encoding)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		res.Body.Close()
		if got := res.Trailer.Get("Grpc-Status"); got != c.status {
			t.Errorf("%s: status %q, message %q", c.name, got, res.Trailer.Get("Grpc-Message"))
		}
		if o := f.observed(); o[len(o)-1].Outcome != c.outcome {
			t.Errorf("%s: observed %+v", c.name, o[len(o)-1])
		}
	}
	if used := f.budget.Used(); used != 0 {
		t.Errorf("%d bytes of the budget were not given back", used)
	}
}
