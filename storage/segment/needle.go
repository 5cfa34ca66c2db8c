package segment

import (
	"regexp"
	"regexp/syntax"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// needleOf is a text that every string has for which p's comparison is true,
// or "" where there is none or p is of another kind. Looking for it in a page
// as a whole is far cheaper than asking the predicate for each value.
func needleOf(p *scan.Predicate) string {
	switch p.Op {
	case scan.OpEqual, scan.OpNotEqual:
		if p.Value.Type() == telemetry.ValueString {
			return p.Value.Str()
		}
	case scan.OpMatch, scan.OpNotMatch:
		return requiredLiteral(p.Regex)
	}
	return ""
}

// requiredLiteral is the longest text that is part of all that re matches.
func requiredLiteral(re *regexp.Regexp) string {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil { // it was compiled with other rules
		return ""
	}
	return literalOf(tree.Simplify())
}

func literalOf(re *syntax.Regexp) (longest string) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		for _, sub := range re.Sub {
			if s := literalOf(sub); len(s) > len(longest) {
				longest = s
			}
		}
	}
	return longest
}
