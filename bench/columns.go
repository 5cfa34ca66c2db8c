package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// columnSize is what one column, or one part of the frame around the columns,
// takes in all segments.
type columnSize struct {
	Name    string  `json:"name"`
	PerSpan float64 `json:"bytesPerSpan"`
}

// columnSizes asks kiseki inspect where the bytes of a data folder are. It
// may run beside the server.
func columnSizes(ctx context.Context, binary, dir string, spans int) ([]columnSize, error) {
	out, err := exec.CommandContext(ctx, binary, "inspect", "--data", dir).Output()
	if err != nil {
		return nil, fmt.Errorf("inspect data folder: %w", err)
	}
	return parseColumns(string(out), spans)
}

// columnLine is a line of kiseki inspect about a part of a segment.
var columnLine = regexp.MustCompile(`^ +(\d+) bytes +[0-9.]+ a span  (.+)$`)

// parseColumns sums up the columns of all segments, largest first.
func parseColumns(text string, spans int) ([]columnSize, error) {
	sizes := map[string]float64{}
	for line := range strings.Lines(text) {
		if m := columnLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			n, err := strconv.ParseInt(m[1], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("parse size of column %s: %w", m[2], err)
			}
			sizes[m[2]] += float64(n) / float64(spans)
		}
	}
	if len(sizes) == 0 {
		return nil, errors.New("kiseki inspect named no columns")
	}
	var list []columnSize
	for name, size := range sizes {
		list = append(list, columnSize{name, size})
	}
	slices.SortFunc(list, func(a, b columnSize) int {
		return cmp.Or(cmp.Compare(b.PerSpan, a.PerSpan), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}
