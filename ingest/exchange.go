package ingest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Exchange is a request under way and what is known of it for its answer.
type Exchange struct {
	Seen    Observation
	Message string // of a request that was taken: why spans were rejected
	Detail  any    // of a request that was taken: that of its [Report]
	started time.Time
}

// Begin is a request that has just come.
func (r *Receiver) Begin(transport, encoding string) Exchange {
	return Exchange{started: time.Now(), Seen: Observation{Protocol: r.options.Protocol, Transport: transport, Encoding: encoding}}
}

// End reports a request that is answered.
func (r *Receiver) End(x *Exchange, fail *Failure) {
	if r.options.Observe == nil {
		return
	}
	if fail != nil {
		x.Seen.Outcome = fail.Outcome
	}
	x.Seen.Duration = time.Since(x.started)
	r.options.Observe(x.Seen)
}

// Store has a batch stored that a decoder made of a request.
func (r *Receiver) Store(ctx context.Context, header http.Header, b *telemetry.Batch, report Report, x *Exchange) *Failure {
	x.Seen.DroppedLinks, x.Seen.InvalidUTF8 = report.DroppedLinks, report.InvalidUTF8
	spans := len(b.Spans)
	var outcome telemetry.Outcome
	if spans > 0 {
		var err error
		if r.options.Context != nil {
			if ctx, err = r.options.Context(ctx, header); err != nil {
				return contextFailure(err)
			}
		}
		if outcome, err = r.options.Append(ctx, b); err != nil {
			return r.appendFailure(ctx, err)
		}
	}
	x.Seen.Spans = spans + report.RejectedSpans
	x.Seen.Rejected = outcome.RejectedSpans + report.RejectedSpans
	x.Seen.Outcome = OutcomeOK
	if x.Seen.Rejected > 0 {
		x.Seen.Outcome = OutcomePartial
	}
	x.Message, x.Detail = report.Reason, report.Detail
	if outcome.Message != "" {
		x.Message = outcome.Message
		if report.Reason != "" {
			x.Message = report.Reason + "; " + outcome.Message
		}
	}
	return nil
}

// Guard is a wall around a decoder: whatever bytes a client sends, a bug in it
// costs a request and not the process. It says what an error of decode means;
// panicked is true if the decoder's memory can not be trusted any more.
func (r *Receiver) Guard(encoding string, decode func() (Report, error)) (report Report, panicked bool, fail *Failure) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("decoder panicked", "protocol", r.options.Protocol, "encoding", encoding, "panic", p, "stack", string(debug.Stack()))
			panicked = true
			fail = &Failure{Outcome: OutcomeFailed, Message: "internal error"}
		}
	}()
	report, err := decode()
	switch {
	case err == nil:
		return report, false, nil
	case errors.Is(err, ErrTooMany):
		return report, false, &Failure{Outcome: OutcomeTooLarge, Message: err.Error()}
	}
	return report, false, &Failure{Outcome: OutcomeMalformed, Message: "malformed " + r.options.Title + " " + encoding + ": " + err.Error()}
}

// handle decodes the body of a request and has it stored.
func (r *Receiver) handle(ctx context.Context, header http.Header, q *request, x *Exchange) *Failure {
	report, panicked, fail := r.Guard(x.Seen.Encoding, func() (Report, error) {
		q.batch.Reset()
		return q.decoder.Decode(x.Seen.Encoding, q.body, &q.batch)
	})
	q.poisoned = panicked
	if fail != nil {
		return fail
	}
	return r.Store(ctx, header, &q.batch, report, x)
}

func (r *Receiver) appendFailure(ctx context.Context, err error) *Failure {
	var retry *telemetry.RetryError
	switch {
	case errors.As(err, &retry):
		return &Failure{Outcome: OutcomeUnavailable, Message: err.Error(), RetryAfter: max(retry.After, time.Second)}
	case ctx.Err() != nil:
		return &Failure{Outcome: OutcomeCanceled, Message: ctx.Err().Error()}
	}
	r.log.Error("spans could not be stored", "error", err)
	return &Failure{Outcome: OutcomeFailed, Message: err.Error()}
}

// clampInt is n as an int, for sizes that fit one anyway.
func clampInt(n int64) int { return int(min(n, math.MaxInt)) }
