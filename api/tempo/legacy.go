package tempo

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxTags bounds the tags of a search, below what a query may have of
// comparisons.
const maxTags = 64

// parseLogfmt reads "key=value" pairs with spaces between them; a value with
// spaces is in double quotes. A key without a value has the value "".
func parseLogfmt(s string) (map[string]string, error) {
	tags := map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t\n")
		if s == "" {
			return tags, nil
		}
		end := strings.IndexAny(s, " \t\n=")
		if end == 0 {
			return nil, refuse("invalid tags: a key is missing before %.32q", s)
		}
		if end < 0 {
			end = len(s)
		}
		key, value := s[:end], ""
		s = s[end:]
		if rest, ok := strings.CutPrefix(s, "="); ok {
			var err error
			if value, s, err = logfmtValue(rest); err != nil {
				return nil, err
			}
		}
		tags[key] = value
		if len(tags) > maxTags {
			return nil, refuse("invalid tags: there are more than %d", maxTags)
		}
	}
}

// logfmtValue splits a value off s.
func logfmtValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t\n")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err == nil {
		value, err = strconv.Unquote(quoted)
	}
	if err != nil {
		return "", "", refuse("invalid tags: the text in quotes that begins with %.32q has no end", s)
	}
	return value, s[len(quoted):], nil
}

// fromTags is the query for a span that has all tags, in a trace of the
// durations. A value is part of the attribute's, in whatever case.
func (q *search) fromTags() string {
	var conds []string
	for _, key := range slices.Sorted(maps.Keys(q.tags)) {
		conds = append(conds, tagCondition(key, q.tags[key]))
	}
	if q.minDuration > 0 {
		conds = append(conds, "traceDuration >= "+spellDuration(q.minDuration))
	}
	if q.maxDuration > 0 {
		conds = append(conds, "traceDuration <= "+spellDuration(q.maxDuration))
	}
	return "{ " + strings.Join(conds, " && ") + " }"
}

// legacyNames are the tags that are no attributes.
var legacyNames = map[string]string{
	"name": "name", "root.name": "rootName", "root.service.name": "rootServiceName", "service.name": "resource.service.name",
}

// tagCondition is the condition on one tag. Numbers and booleans are no texts
// that have parts, so they are to be equal.
func tagCondition(key, value string) string {
	switch {
	case key == "status.code" || key == "status":
		if s, ok := telemetry.ParseStatus(strings.ToLower(value)); ok {
			return "status = " + s.String()
		}
	case key == "error" && value == "true":
		return "(.error = true || status = error)"
	}
	field, known := legacyNames[key]
	if !known {
		field = traceql.Field{Field: scan.Field{Scope: scan.ScopeAny, Key: key}}.String()
	}
	part := field + " =~ " + spellString("(?is).*"+regexp.QuoteMeta(value)+".*")
	if known {
		return part
	}
	if b, err := strconv.ParseBool(value); err == nil && (value == "true" || value == "false") {
		return "(" + part + " || " + field + " = " + strconv.FormatBool(b) + ")"
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return "(" + part + " || " + field + " = " + strconv.FormatInt(n, 10) + ")"
	}
	return part
}

func spellString(s string) string {
	return traceql.Literal{Kind: traceql.LiteralString, Value: telemetry.StringValue(s)}.String()
}

func spellDuration(d time.Duration) string {
	return traceql.Literal{Kind: traceql.LiteralDuration, Value: telemetry.IntValue(int64(d))}.String()
}
