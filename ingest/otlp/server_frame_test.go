package otlp

import (
	"bytes"
	"encoding/binary"
	"fmt"
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
	f := start(t, &sink{}, Options{Limits: Limits{RequestBytes: 1 << 20}})
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
		{"good", "", frame(0, len(good), good), "0", OutcomeOK},
		{"nothing", "", nil, "1", OutcomeCanceled},
		{"half a frame", "", []byte{0, 0}, "1", OutcomeCanceled},
		{"cut off", "", frame(0, len(good)+1, good), "1", OutcomeCanceled},
		{"claims a lot", "", frame(0, 1<<30, good), "8", OutcomeTooLarge},
		{"compressed with nothing", "", frame(1, len(good), good), "3", OutcomeMalformed},
		{"unknown flag", "gzip", frame(2, len(good), good), "3", OutcomeMalformed},
		{"unknown compression", "brotli", frame(1, len(good), good), "12", OutcomeUnsupported},
		{"not gzip", "gzip", frame(1, len(good), good), "3", OutcomeMalformed},
		{"empty", "", frame(0, 0, nil), "0", OutcomeOK},
	} {
		req, err := http.NewRequest(http.MethodPost, "http://"+f.grpcAddr+exportPath, bytes.NewReader(c.body))
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
	if used := f.server.budget.used.Load(); used != 0 {
		t.Errorf("%d bytes of the budget were not given back", used)
	}
}

func TestPercentEncode(t *testing.T) {
	for in, want := range map[string]string{"plain text.": "plain text.", "100 %\n軌": "100 %25%0A%E8%BB%8C"} {
		if got := percentEncode(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestGRPCTimeout(t *testing.T) {
	for header, bounded := range map[string]bool{"": false, "5": false, "S": false, "5S": true, "99999999H": true, "100000000S": false, "1x": false, "-1S": false} {
		ctx, cancel := withTimeout(t.Context(), header)
		if _, ok := ctx.Deadline(); ok != bounded {
			t.Errorf("%q: %s", header, fmt.Sprint(ctx))
		}
		cancel()
	}
}
