package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/kiseki-dev/kiseki/internal/nearest"
)

// value is one setting's place in a Config, with its text form. Set and
// String are inverse: Set(String()) changes nothing.
type value interface {
	Set(text string) error
	String() string
}

// treeValue is a value that the file has as more than text.
type treeValue interface {
	value
	setNode(*yaml.Node) error
}

// secretValue is a value of which not all may be shown.
type secretValue interface{ shown() string }

type textValue struct{ p *string }

func (v textValue) Set(s string) error { *v.p = s; return nil }
func (v textValue) String() string     { return *v.p }

// secretText is text that is not shown.
type secretText struct{ textValue }

func (v secretText) shown() string {
	if *v.p == "" {
		return ""
	}
	return "…"
}

type sizeValue struct{ p *int64 }

func (v sizeValue) Set(s string) (err error) { return assign(v.p, s, ParseSize) }
func (v sizeValue) String() string           { return FormatSize(*v.p) }

type smallSizeValue struct{ p *int }

func (v smallSizeValue) Set(s string) error {
	return assign(v.p, s, func(s string) (int, error) {
		n, err := ParseSize(s)
		if err == nil && n > gib {
			return 0, fmt.Errorf("%q is more than 1GiB", s)
		}
		return int(n), err
	})
}
func (v smallSizeValue) String() string { return FormatSize(int64(*v.p)) }

type durationValue struct{ p *time.Duration }

func (v durationValue) Set(s string) error { return assign(v.p, s, ParseDuration) }
func (v durationValue) String() string     { return FormatDuration(*v.p) }

type countValue struct{ p *int }

func (v countValue) Set(s string) error {
	return assign(v.p, s, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1_000_000 {
			return 0, fmt.Errorf("%q is not a number from 1 to 1000000", s)
		}
		return n, nil
	})
}
func (v countValue) String() string { return strconv.Itoa(*v.p) }

// numberValue is a countValue that may be 0.
type numberValue struct{ p *int }

func (v numberValue) Set(s string) error {
	if s == "0" {
		*v.p = 0
		return nil
	}
	return countValue(v).Set(s)
}
func (v numberValue) String() string { return strconv.Itoa(*v.p) }

type boolValue struct{ p *bool }

func (v boolValue) Set(s string) error {
	switch s {
	case "true", "false":
		*v.p = s == "true"
		return nil
	}
	return fmt.Errorf("%q is neither true nor false", s)
}

func (v boolValue) String() string { return strconv.FormatBool(*v.p) }

type choiceValue struct {
	p       *string
	choices []string
}

func (v choiceValue) Set(s string) error {
	if !slices.Contains(v.choices, s) {
		return fmt.Errorf("%q is none of %s%s", s, strings.Join(v.choices, ", "), nearest.Hint(s, v.choices))
	}
	*v.p = s
	return nil
}
func (v choiceValue) String() string { return *v.p }

// listValue is comma-separated in flags and variables, a sequence in the file.
type listValue struct{ p *[]string }

func (v listValue) Set(s string) error {
	var list []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	*v.p = list
	return nil
}
func (v listValue) String() string { return strings.Join(*v.p, ",") }

func assign[T any](p *T, s string, parse func(string) (T, error)) error {
	v, err := parse(s)
	if err != nil {
		return err
	}
	*p = v
	return nil
}

// sizeUnits are powers of 1024, largest first. KB, MB and so on are refused:
// people mean different things by them.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", gib}, {"MiB", mib}, {"KiB", kib}, {"B", 1}}

// ParseSize reads a number of bytes such as "64MiB", "1.5GiB" or "0".
func ParseSize(s string) (int64, error) {
	number, unit := splitUnit(s)
	if number == "0" && unit == "" {
		return 0, nil
	}
	for _, u := range sizeUnits {
		if u.name != unit {
			continue
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || f < 0 || math.IsNaN(f) || f*float64(u.bytes) >= 1<<62 {
			break
		}
		return int64(f * float64(u.bytes)), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 64MiB (units B, KiB, MiB, GiB, TiB)", s)
}

// FormatSize is the inverse of [ParseSize], in the largest unit that gives a
// whole number.
func FormatSize(n int64) string {
	for _, u := range sizeUnits {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return "0"
}

// ParseDuration reads a time span such as "14d", "1h30m" or "0"; beyond Go's
// units it knows d (24 hours) and w (7 days), alone.
func ParseDuration(s string) (time.Duration, error) {
	number, unit := splitUnit(s)
	days := map[string]float64{"d": 1, "w": 7}[unit]
	if days > 0 {
		f, err := strconv.ParseFloat(number, 64)
		if d := f * days * float64(day); err == nil && d >= 0 && d < 1<<62 {
			return time.Duration(d), nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%q is not a duration such as 14d, 36h or 1h30m", s)
}

// FormatDuration is the inverse of [ParseDuration].
func FormatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// splitUnit splits the letters off the end of s.
func splitUnit(s string) (number, unit string) {
	number = strings.TrimRightFunc(s, unicode.IsLetter)
	return strings.TrimSpace(number), s[len(number):]
}
