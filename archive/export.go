package archive

import (
	"context"
	"io"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Export writes the spans of a snapshot that p asks for (see [exec.Spans]) to
// w, and says how many there were. progress, if not nil, is told the number
// now and then. After an error there is no whole file; where Stats says that
// the answer is not complete there is one, without what could not be read.
func Export(ctx context.Context, snap scan.Snapshot, p *plan.Search, f Format, w io.Writer, progress func(spans int64)) (spans int64, stats exec.Stats, err error) {
	out, err := NewWriter(f, w)
	if err != nil {
		return 0, stats, err
	}
	stats, err = exec.Spans(ctx, snap, p, exec.DefaultLimits, func(b *telemetry.Batch) error {
		if err := out.Write(b); err != nil {
			return err
		}
		spans += int64(len(b.Spans))
		if progress != nil {
			progress(spans)
		}
		return nil
	})
	if err != nil {
		return spans, stats, err
	}
	return spans, stats, out.Close()
}
