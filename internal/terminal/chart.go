package terminal

import (
	"math"
	"strings"
)

var levels = []rune("▁▂▃▄▅▆▇█")

// Spark draws numbers as a line of at most columns characters, on a scale from
// low to high. Where there are more numbers than columns a character is the
// largest of several; where there is none (NaN) it is a space.
func Spark(points []float64, low, high float64, columns int) string {
	columns = min(columns, len(points))
	var out strings.Builder
	for i := range columns {
		top := math.NaN()
		for _, x := range points[i*len(points)/columns : (i+1)*len(points)/columns] {
			if math.IsNaN(top) || x > top {
				top = x
			}
		}
		switch {
		case math.IsNaN(top):
			out.WriteByte(' ')
		case high <= low:
			out.WriteRune(levels[0])
		default:
			share := min(max((top-low)/(high-low), 0), 1)
			out.WriteRune(levels[int(share*float64(len(levels)-1)+0.5)])
		}
	}
	return out.String()
}

// Bar draws the part of a line of the given columns from one share of it to
// another, both between 0 and 1, to an eighth of a column at its end. It is
// never invisible.
func Bar(from, to float64, columns int) string {
	first := min(int(from*float64(columns)), columns-1)
	eighths := int((to*float64(columns) - float64(first)) * 8)
	eighths = max(min(eighths, (columns-first)*8), 1)
	bar := strings.Repeat(" ", first) + strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	return bar
}
