package main

import (
	"context"
	"fmt"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// retention turns the settings into what the store applies: it knows no query
// language.
func retention(c config.Retention) (storage.Retention, error) {
	out := storage.Retention{Age: c.Age, Bytes: c.Bytes, DiskWatermark: c.DiskWatermark}
	for i, r := range c.Rules {
		q, err := traceql.ParseSearch(r.Match)
		if err != nil {
			return out, fmt.Errorf("retention.rules: rule %d: %w", i+1, err)
		}
		out.Rules = append(out.Rules, storage.RetentionRule{
			Text: q.String(), Age: r.Age,
			Match: func(ctx context.Context, snap scan.Snapshot, f func(telemetry.TraceID)) error {
				return exec.Matching(ctx, snap, q.Spans, f)
			},
		})
	}
	return out, nil
}
