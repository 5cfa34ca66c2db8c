package terminal

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A Column is one of a [Table].
type Column struct {
	Title string
	Right bool // numbers: aligned to the right
	// Least is the width below which the column is not made narrower for a
	// narrow terminal; 0: it is never made narrower.
	Least int
}

// Table is rows of clean texts, one for each column.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// gap is the space between columns.
const gap = "  "

// Write writes the table. Where columns is not 0, those that may be are made
// narrower until it fits, the widest first.
func (t *Table) Write(w io.Writer, columns int) error {
	widths := t.widths(columns)
	out := bufio.NewWriter(w)
	row := func(cells []string) {
		var line strings.Builder
		for i, cell := range cells {
			if i > 0 {
				line.WriteString(gap)
			}
			cell = Clip(cell, widths[i])
			space := strings.Repeat(" ", widths[i]-Width(cell))
			if t.Columns[i].Right {
				line.WriteString(space + cell)
			} else {
				line.WriteString(cell + space)
			}
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	row(titles)
	for _, r := range t.Rows {
		row(r)
	}
	return out.Flush()
}

func (t *Table) widths(columns int) []int {
	widths := make([]int, len(t.Columns))
	total := len(gap) * (len(t.Columns) - 1)
	for i, c := range t.Columns {
		widths[i] = Width(c.Title)
		for _, r := range t.Rows {
			widths[i] = max(widths[i], Width(r[i]))
		}
		total += widths[i]
	}
	for columns > 0 && total > columns {
		widest := -1
		for i, c := range t.Columns {
			if c.Least > 0 && widths[i] > c.Least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}
