package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

const (
	// sendSpans and sendBytes bound a request: the latter before compression,
	// well below the 20 MiB that receivers commonly take.
	sendSpans = 2000
	sendBytes = 8 << 20
	// sendAttempts is how often a request is tried: with delays that double
	// from one second to at most thirty, for about four minutes.
	sendAttempts = 12
	firstDelay   = time.Second
	longestDelay = 30 * time.Second
	// answerBytes is how much of an answer is read.
	answerBytes = 64 << 10
)

// Sender sends spans to an OTLP/HTTP receiver, as OTLP/JSON. It belongs to one
// goroutine.
type Sender struct {
	// URL is the receiver's, without the path of its signal.
	URL    string
	Client *http.Client
	// Header is sent with each request, beside what OTLP wants; nil: nothing.
	Header http.Header
	// Wait waits before another attempt; nil: [Sleep].
	Wait func(ctx context.Context, d time.Duration) error
	Sent Sent

	body []byte
	zip  bytes.Buffer
	gzip *gzip.Writer
}

// Sent counts what became of spans.
type Sent struct {
	Spans    int64 // taken by the receiver
	Rejected int64 // refused by the receiver, or not valid in the file
	Requests int64
	Retries  int64
	Message  string // the receiver's, about the last spans it refused
}

// Sleep waits for d or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Send sends the spans of b, in as many requests as needed, and returns when
// the receiver has taken them. What the receiver says to send again later is
// sent again.
func (s *Sender) Send(ctx context.Context, b *telemetry.Batch) error {
	part := *b
	for lo := 0; lo < len(b.Spans); lo += sendSpans {
		part.Spans = b.Spans[lo:min(lo+sendSpans, len(b.Spans))]
		if err := s.part(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// part sends b in one request, or in halves while it is too large.
func (s *Sender) part(ctx context.Context, b telemetry.Batch) error {
	s.body = otlpjson.Append(s.body[:0], &b)
	if n := len(b.Spans); len(s.body) > sendBytes && n > 1 {
		half := b
		half.Spans = b.Spans[:n/2]
		if err := s.part(ctx, half); err != nil {
			return err
		}
		half.Spans = b.Spans[n/2:]
		return s.part(ctx, half)
	}
	if err := s.compress(); err != nil {
		return err
	}
	delay := firstDelay
	for attempt := 1; ; attempt++ {
		rejected, after, err := s.post(ctx)
		if err == nil {
			s.Sent.Requests++
			s.Sent.Spans += int64(len(b.Spans)) - rejected
			s.Sent.Rejected += rejected
			return nil
		}
		if after < 0 || attempt == sendAttempts || ctx.Err() != nil {
			return fmt.Errorf("send spans to %s: %w", s.URL, err)
		}
		s.Sent.Retries++
		wait := s.Wait
		if wait == nil {
			wait = Sleep
		}
		if err := wait(ctx, max(after, delay)); err != nil {
			return fmt.Errorf("send spans to %s: %w", s.URL, err)
		}
		delay = min(2*delay, longestDelay)
	}
}

func (s *Sender) compress() error {
	s.zip.Reset()
	if s.gzip == nil {
		var err error
		if s.gzip, err = gzip.NewWriterLevel(&s.zip, gzip.BestSpeed); err != nil {
			return err
		}
	}
	s.gzip.Reset(&s.zip)
	if _, err := s.gzip.Write(s.body); err != nil {
		return err
	}
	return s.gzip.Close()
}

// post tries once. After an error, after is how long the receiver wants to be
// left alone, or negative if another attempt is pointless.
func (s *Sender) post(ctx context.Context) (rejected int64, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.URL, "/")+"/v1/traces", bytes.NewReader(s.zip.Bytes()))
	if err != nil {
		return 0, -1, err
	}
	maps.Copy(req.Header, s.Header)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := s.Client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	err = errors.Join(err, resp.Body.Close())
	switch resp.StatusCode {
	case http.StatusOK:
		if err != nil {
			return 0, 0, fmt.Errorf("read answer: %w", err)
		}
		return s.partial(answer), 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		after = min(time.Duration(max(seconds, 0))*time.Second, longestDelay)
	default:
		after = -1
	}
	return 0, after, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(answer))
}

// partial is how many spans the receiver refused. Of answers in other forms
// than OTLP/JSON's nothing is known.
func (s *Sender) partial(answer []byte) int64 {
	var a struct {
		PartialSuccess struct {
			RejectedSpans json.RawMessage `json:"rejectedSpans"`
			ErrorMessage  string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.Trim(string(a.PartialSuccess.RejectedSpans), `"`), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	s.Sent.Message = a.PartialSuccess.ErrorMessage
	return n
}
