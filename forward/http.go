package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
)

const (
	tracesPath   = "/v1/traces"
	mostAnswer   = 64 << 10 // bytes of an answer that are read
	shownAnswer  = 300      // of those that an error tells
	mostHTTPBody = 16 << 20 // below the usual limits of receivers, before compression
)

// poster posts bodies to one URL.
type poster struct {
	client  *http.Client
	url     string
	headers [][2]string
	zipped  bytes.Buffer
	zip     *gzip.Writer
}

func newPoster(t *target, path string) *poster {
	u := *t.url
	u.Scheme = "http"
	if t.tls != nil {
		u.Scheme = "https"
	}
	u.Host = t.host
	if u.Path == "" || u.Path == "/" {
		u.Path = path
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: t.tls, ForceAttemptHTTP2: true,
		MaxIdleConns: 1, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
	}
	return &poster{
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		url:    u.String(), headers: t.sortedHeaders(), zip: gzip.NewWriter(nil),
	}
}

// post posts a body, compressed, and returns the beginning of the answer.
func (p *poster) post(ctx context.Context, contentType string, body []byte) ([]byte, error) {
	p.zipped.Reset()
	p.zip.Reset(&p.zipped)
	_, _ = p.zip.Write(body) // a buffer takes all
	_ = p.zip.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(p.zipped.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("User-Agent", "kiseki")
	for _, h := range p.headers {
		r.Header.Set(h[0], h[1])
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() // only read from
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if resp.StatusCode/100 == 2 {
		return answer, err
	}
	return nil, refusal(resp, answer)
}

// refusal says what an answer that is no success means. What the destination
// says of these spans is final; anything else may be a mistake of settings, or
// pass.
func refusal(resp *http.Response, answer []byte) error {
	text := strings.ToValidUTF8(string(answer[:min(len(answer), shownAnswer)]), "\uFFFD")
	e := &sendError{err: fmt.Errorf("answered %s: %s", resp.Status, strings.TrimSpace(text))}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		e.refused = true
	case http.StatusRequestEntityTooLarge:
		e.tooLarge = true
	default:
		e.after = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return e
}

// retryAfter reads the header, a number of seconds or a date; 0: it is neither.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func (p *poster) close() error {
	p.client.CloseIdleConnections()
	return nil
}

// otlpHTTP sends OTLP over HTTP.
type otlpHTTP struct {
	*poster
	body []byte
}

func newHTTP(_ *Options, t *target) (sender, error) {
	return &otlpHTTP{poster: newPoster(t, tracesPath)}, nil
}

var errLarge = errors.New("more than is sent at a time")

func (s *otlpHTTP) send(ctx context.Context, b *telemetry.Batch) error {
	s.body = otlpproto.Append(s.body[:0], b)
	if len(s.body) > mostHTTPBody && len(b.Spans) > 1 {
		return &sendError{tooLarge: true, err: errLarge}
	}
	answer, err := s.post(ctx, "application/x-protobuf", s.body)
	if err != nil {
		return err
	}
	return partial(answer)
}
