package forward

import (
	"context"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

const zipkinPath = "/api/v2/spans"

// zipkin posts spans in Zipkin's JSON.
type zipkin struct {
	*poster
	body []byte
}

func newZipkin(_ *Options, t *target) (sender, error) {
	return &zipkin{poster: newPoster(t, zipkinPath)}, nil
}

func (s *zipkin) send(ctx context.Context, b *telemetry.Batch) (err error) {
	s.body, err = zipkinjson.Write(s.body[:0], b, func(p []byte) ([]byte, error) { return p, nil })
	if err != nil {
		return err
	}
	if len(s.body) > mostHTTPBody && len(b.Spans) > 1 {
		return &sendError{tooLarge: true, err: errLarge}
	}
	_, err = s.post(ctx, "application/json", s.body)
	return err
}
