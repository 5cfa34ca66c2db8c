package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// quantiles are those of a set of measured times.
type quantiles struct {
	N    int           `json:"n"`
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
	P999 time.Duration `json:"p999"`
	Max  time.Duration `json:"max"`
}

// quantilesOf sorts times in place.
func quantilesOf(times []time.Duration) quantiles {
	if len(times) == 0 {
		return quantiles{}
	}
	slices.Sort(times)
	return quantiles{
		N: len(times), P50: quantile(times, 0.5), P99: quantile(times, 0.99), P999: quantile(times, 0.999),
		Max: times[len(times)-1],
	}
}

// quantile is the nearest-rank quantile: the least element that at least a
// share q of them does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// milliseconds writes a time with three significant digits.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// shortMilliseconds writes a time as the README does.
func shortMilliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// percent writes a share.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// grouped writes n with thousands separated.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// mib writes a size in mebibytes.
func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

// parseCounts reads a list of span counts such as "200k,1M".
func parseCounts(s string) ([]int, error) {
	var counts []int
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		unit := 1
		switch {
		case strings.HasSuffix(part, "k"):
			unit = 1000
		case strings.HasSuffix(part, "M"):
			unit = 1_000_000
		}
		n, err := strconv.Atoi(strings.TrimRight(part, "kM"))
		if err != nil || n <= 0 || n > math.MaxInt/unit {
			return nil, fmt.Errorf("%q is not a number of spans such as 200k or 1M", part)
		}
		counts = append(counts, n*unit)
	}
	return counts, nil
}
