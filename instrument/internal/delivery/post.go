package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// class is what an answer means for the batch.
type class int

const (
	accepted class = iota
	// tryLater: the batch may be fine, the way to the receiver is not.
	tryLater
	// refused: 500, which is final for OTLP and passes for many receivers.
	refused
	// rejected: no receiver will ever take it.
	rejected
)

type result struct {
	class         class
	err           error
	retryAfter    time.Duration // as the receiver asked; 0 if it did not
	rejectedSpans int           // of a batch that was accepted otherwise
}

// newClient does not use http.DefaultTransport, which applications wrap with
// instrumentation: sending spans must not make spans.
func newClient(config *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       config,
			TLSHandshakeTimeout:   5 * time.Second,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          2,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: 0, // the request's context has the deadline
		},
		// Headers may hold secrets that are meant for this receiver only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends a batch and reads the answer.
func (d *Delivery) post(ctx context.Context, b batch) result {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.opts.URL, bytes.NewReader(b.payload))
	if err != nil {
		return result{class: tryLater, err: fmt.Errorf("create export request: %w", err)}
	}
	req.Header.Set("User-Agent", "kiseki-instrument")
	for k, v := range d.opts.Headers {
		req.Header.Set(k, v)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if b.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return result{class: tryLater, err: fmt.Errorf("export spans: %w", err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil && resp.StatusCode/100 == 2 {
		// It was accepted, or not: at least once.
		return result{class: tryLater, err: fmt.Errorf("read answer to export: %w", err)}
	}
	return classify(resp.StatusCode, resp.Header, body)
}

// classify says what an answer means. OTLP lists 429, 502, 503 and 504 as
// those to try again; a wrong address, path or credential is added to them,
// because somebody will correct it and the spans are kept until then.
func classify(status int, h http.Header, body []byte) result {
	if status/100 == 2 {
		n, message := partialSuccess(body)
		r := result{class: accepted, rejectedSpans: n}
		if n > 0 {
			r.err = fmt.Errorf("the receiver refused %d spans: %s", n, message)
		}
		return r
	}
	r := result{class: rejected, err: fmt.Errorf("the receiver answered %d %s: %s", status, http.StatusText(status), statusMessageOf(h, body))}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
	case http.StatusInternalServerError:
		r.class = refused
	default:
		r.class, r.retryAfter = tryLater, retryAfter(h, time.Now())
	}
	return r
}

// retryAfter reads the header of that name, seconds or a date; 0 if there is
// none or it is in the past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// maxMessage bounds what of an answer gets into an error.
const maxMessage = 200

// statusMessageOf is the message of a google.rpc.Status, or the text itself.
func statusMessageOf(h http.Header, body []byte) string {
	message := string(body)
	if strings.HasPrefix(h.Get("Content-Type"), "application/x-protobuf") {
		message = ""
		fields(body, func(number int, _ uint64, content []byte) {
			if number == 2 {
				message = string(content)
			}
		})
	}
	message = valid(strings.TrimSpace(message))
	if len(message) > maxMessage {
		message = valid(message[:maxMessage]) + "…"
	}
	return message
}

// partialSuccess reads an ExportTraceServiceResponse: partial_success = 1
// with rejected_spans = 1 and error_message = 2. What is not one means that
// nothing was rejected.
func partialSuccess(body []byte) (spans int, message string) {
	fields(body, func(number int, _ uint64, content []byte) {
		if number != 1 {
			return
		}
		fields(content, func(number int, v uint64, content []byte) {
			switch number {
			case 1:
				spans = int(min(v, 1<<31))
			case 2:
				message = string(content)
			}
		})
	})
	return spans, valid(message)
}

// fields calls f for every varint and every length-delimited field of a
// protobuf message, and stops where it is none.
func fields(b []byte, f func(number int, v uint64, content []byte)) {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return
		}
		b = b[n:]
		var v uint64
		var content []byte
		switch key & 7 {
		case wireVarint:
			if v, n = binary.Uvarint(b); n <= 0 {
				return
			}
			b = b[n:]
		case wireBytes:
			length, n := binary.Uvarint(b)
			if n <= 0 || length > uint64(len(b)-n) {
				return
			}
			content, b = b[n:n+int(length)], b[n+int(length):]
		case wireFixed64, wireFixed32:
			size := 8
			if key&7 == wireFixed32 {
				size = 4
			}
			if len(b) < size {
				return
			}
			b = b[size:]
		default:
			return
		}
		f(int(key>>3), v, content)
	}
}
