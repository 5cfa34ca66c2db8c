package demo

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// The background jobs of the inventory and their timetable. The stock-take
// is the demo's slow spell: for 20 seconds of every two minutes the table is
// locked most of the time, and orders wait in BEGIN.
const (
	restockEvery   = 30 * time.Second
	stocktakeFirst = 20 * time.Second
	stocktakeEvery = 2 * time.Minute
	stocktakeFor   = 20 * time.Second
	stocktakeWalk  = 600 * time.Millisecond // the table is locked
	stocktakePause = 200 * time.Millisecond // orders get through
)

// runJobs works by the timetable until ctx ends.
func (i *inventory) runJobs(ctx context.Context) {
	restock := time.NewTicker(restockEvery)
	defer restock.Stop()
	stocktake := time.NewTimer(stocktakeFirst)
	defer stocktake.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-restock.C:
			i.job(ctx, "restock", i.restock)
		case <-stocktake.C:
			i.job(ctx, "stock-take", func(ctx context.Context) error { return i.stocktake(ctx, stocktakeFor) })
			stocktake.Reset(stocktakeEvery - stocktakeFor)
		}
	}
}

// job runs f as the root of a trace of its own.
func (i *inventory) job(ctx context.Context, name string, f func(ctx context.Context) error) {
	ctx, span := i.tracer.Start(ctx, "job "+name, trace.WithNewRoot(),
		trace.WithAttributes(attribute.String("shop.job.name", name), attribute.String("shop.job.trigger", "timer")))
	defer span.End()
	err := f(ctx)
	switch {
	case ctx.Err() != nil:
		span.AddEvent("interrupted by shutdown")
	case err != nil:
		instrument.RecordError(span, err)
	default:
		span.SetStatus(codes.Ok, "")
	}
}

// stocktake counts round after round for about d.
func (i *inventory) stocktake(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := i.count(ctx, stocktakeWalk); err != nil {
			return err
		}
		if err := work(ctx, stocktakePause); err != nil {
			return err
		}
	}
	return nil
}
