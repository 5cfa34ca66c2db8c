package exec

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Adjusted counts, as OpenTelemetry's specification of probability sampling
// has them: the member "ot" of a span's tracestate has, after "th:", the
// threshold T of its sampler in up to 14 hexadecimal digits, without trailing
// zeros. The sampler kept the span with probability (2^56 - T) / 2^56, so it
// stands for the inverse of that many spans.

var traceStateField = scan.Field{Intrinsic: scan.IntrinsicTraceState}

// thresholdDigits is how many hexadecimal digits a threshold has in full.
const thresholdDigits = 14

// weight is how many spans one with this tracestate stands for: 1 where it
// does not say, or not as specified. It is rounded to 24 bits, so that sums of
// hundreds of millions of weights are exact, in whatever order.
func weight(state string) float64 {
	for member := range strings.SplitSeq(state, ",") {
		ot, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for pair := range strings.SplitSeq(ot, ";") {
			if th, ok := strings.CutPrefix(pair, "th:"); ok {
				return ofThreshold(th)
			}
		}
	}
	return 1
}

func ofThreshold(th string) float64 {
	if len(th) == 0 || len(th) > thresholdDigits {
		return 1
	}
	t, err := strconv.ParseUint(th, 16, 64)
	if err != nil {
		return 1
	}
	t <<= 4 * (thresholdDigits - len(th))
	return float64(float32(1 << 56 / float64(1<<56-t)))
}

// weights are those of a block's spans, looked up once for each tracestate.
type weights struct {
	stored bool // each span counts once, as it is stored
	codes  scan.Codes
	values []float64 // by code; a span without tracestate has weight 1
	plain  bool      // all are 1
	rows   []float64
}

// newWeights is weights for a query with hints.
func newWeights(hints []traceql.Hint) weights {
	return weights{stored: slices.ContainsFunc(hints, func(h traceql.Hint) bool {
		return h.Name == traceql.HintExtrapolate && !h.Value.Value.Bool()
	})}
}

// begin forgets the block before.
func (w *weights) begin() {
	w.codes.Reset()
	w.values, w.plain = append(w.values[:0], 1), true
}

// read is the weights of the given ones of the rows from lo to hi, which count
// from lo, or nil where all are 1.
func (w *weights) read(from *columns, lo, hi int, rows []uint32) ([]float64, error) {
	if w.stored {
		return nil, nil
	}
	if err := from.Codes(traceStateField, lo, hi, &w.codes); err != nil {
		return nil, err
	}
	for _, v := range w.codes.Dict[len(w.values)-1:] {
		x := weight(v.Str())
		w.values, w.plain = append(w.values, x), w.plain && x == 1
	}
	if w.plain {
		return nil, nil
	}
	w.rows = w.rows[:0]
	for _, i := range rows {
		w.rows = append(w.rows, w.values[w.codes.Rows[i]])
	}
	return w.rows, nil
}

// mostWhole bounds whole weights, so that sums of durations have room.
const mostWhole = 1 << 20

// wholeWeight is a weight as a whole number, for sums that are to be the same
// in any order: of a fraction's share of the traces the next one above. All
// spans of a trace are rounded alike.
func wholeWeight(w float64, id telemetry.TraceID) uint64 {
	whole, fraction := math.Modf(min(w, mostWhole))
	if fraction > 0 && sampled(id, fraction) {
		whole++
	}
	return uint64(whole)
}

// RowWeights reads how many spans each of a block's spans stands for, as whole
// numbers. It belongs to one goroutine.
type RowWeights struct {
	of   weights
	rows []uint32
	ids  scan.Rows
	out  []uint64
}

// Begin forgets the block before.
func (w *RowWeights) Begin() { w.of.begin() }

// Read is the weights of rows [lo, hi) of b until the next call, or nil where
// all are 1.
func (w *RowWeights) Read(b scan.Block, lo, hi int) ([]uint64, error) {
	for n := len(w.rows); n < hi-lo; n++ {
		w.rows = append(w.rows, uint32(n))
	}
	of, err := w.of.read(&columns{Block: b}, lo, hi, w.rows[:hi-lo])
	if of == nil || err != nil {
		return nil, err
	}
	if err := b.Rows(lo, hi, scan.ColTraceID, &w.ids); err != nil {
		return nil, err
	}
	w.out = w.out[:0]
	for i, x := range of {
		w.out = append(w.out, wholeWeight(x, w.ids.TraceID[i]))
	}
	return w.out, nil
}
