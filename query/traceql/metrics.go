package traceql

// MetricsExpr computes series of numbers over time: a [*Metrics], a
// [*SeriesLimit], a [*MetricsOp] or a [*MetricsConst].
type MetricsExpr interface {
	// Pos is the byte offset of the expression in the query.
	Pos() int
	appendMetrics(dst []byte, outer int) []byte
}

// MetricsFunc makes series of spans.
type MetricsFunc uint8

// The functions. Each counts the spans that a pipeline selects in intervals of
// time by their start.
const (
	Rate MetricsFunc = iota // spans a second
	CountOverTime
	MinOverTime
	MaxOverTime
	AvgOverTime
	SumOverTime
	QuantileOverTime  // one series a quantile, labelled p
	HistogramOverTime // one series a power of two, labelled __bucket
	Compare           // attributes of a selection beside those of the rest
)

var metricsNames = [...]string{
	"rate", "count_over_time", "min_over_time", "max_over_time", "avg_over_time", "sum_over_time",
	"quantile_over_time", "histogram_over_time", "compare",
}

// String is the function's name.
func (f MetricsFunc) String() string { return metricsNames[f] }

// HasArgument reports whether f is applied to a number of each span.
func (f MetricsFunc) HasArgument() bool { return f >= MinOverTime && f <= HistogramOverTime }

// Metrics is a pipeline whose spans a function makes series of.
type Metrics struct {
	Spans     *Pipeline
	Func      MetricsFunc
	X         Value     // where Func.HasArgument
	Quantiles []float64 // of QuantileOverTime, each in [0, 1]
	Compare   *Comparer // of Compare
	By        []Field
}

// Comparer is the argument of [Compare].
type Comparer struct {
	Selection  *Filter
	TopN       int    // values told for each attribute
	Start, End uint64 // Unix nanoseconds, further bounds of the selection; 0 and 0: none
}

// SeriesLimit keeps at each point in time the K greatest or least of the
// series of X.
type SeriesLimit struct {
	X      MetricsExpr
	Bottom bool
	K      int
}

// MetricsOp is arithmetic on series, or a comparison, which keeps the points
// that satisfy it. Series are matched by equal labels; a constant is matched
// with each. A point that the other side lacks has no result.
type MetricsOp struct {
	Arith       ArithOp   // unless Comparing
	Compare     CompareOp // where Comparing
	Comparing   bool
	Left, Right MetricsExpr
}

// MetricsConst is a number.
type MetricsConst struct {
	Value float64
	pos   int
}

// Pos implements [MetricsExpr].
func (m *Metrics) Pos() int { return m.Spans.Pos() }

// Pos implements [MetricsExpr].
func (m *SeriesLimit) Pos() int { return m.X.Pos() }

// Pos implements [MetricsExpr].
func (m *MetricsOp) Pos() int { return m.Left.Pos() }

// Pos implements [MetricsExpr].
func (m *MetricsConst) Pos() int { return m.pos }
