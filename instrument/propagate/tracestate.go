package propagate

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Limits of https://www.w3.org/TR/trace-context-2/#tracestate-header.
const (
	maxMembers     = 32
	maxStateKey    = 256
	maxStateValue  = 256
	maxStateHeader = maxMembers * (maxStateKey + 1 + maxStateValue + 8) // with some white space
)

// parseState reads a tracestate list. The members are returned as a
// trace.TraceState, or as text where that type, which knows level 1 of the
// specification only, refuses one of them. A list with an illegal member or
// with too many is dropped as a whole, as the specification says.
func parseState(list string) (state trace.TraceState, foreign string) {
	if len(list) > maxStateHeader {
		return state, ""
	}
	members := make([]string, 0, 4)
	for m := range strings.SplitSeq(list, ",") {
		m = strings.Trim(m, " \t")
		if m == "" {
			continue
		}
		key, value, ok := strings.Cut(m, "=")
		if !ok || !isStateKey(key) || !isStateValue(value) || len(members) == maxMembers {
			return trace.TraceState{}, ""
		}
		// The first is the newest: members are added at the front.
		if !hasKey(members, key) {
			members = append(members, m)
		}
	}
	clean := strings.Join(members, ",")
	state, err := trace.ParseTraceState(clean)
	if err != nil {
		return trace.TraceState{}, clean
	}
	return state, ""
}

// joinState puts the members own, which this process has set, in front of
// those that came. What is more than the specification allows falls off the
// end.
func joinState(own, came string) string {
	if own == "" {
		return came
	}
	members := strings.Split(own, ",")
	for m := range strings.SplitSeq(came, ",") {
		if key, _, _ := strings.Cut(m, "="); len(members) < maxMembers && !hasKey(members, key) {
			members = append(members, m)
		}
	}
	return strings.Join(members, ",")
}

func hasKey(members []string, key string) bool {
	return slices.ContainsFunc(members, func(m string) bool {
		return len(m) > len(key) && m[len(key)] == '=' && m[:len(key)] == key
	})
}

// isStateKey: ( lcalpha / DIGIT ) 0*255 ( lcalpha / DIGIT / "_" / "-"/ "*" / "/" / "@" ).
func isStateKey(key string) bool {
	if key == "" || len(key) > maxStateKey {
		return false
	}
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && strings.IndexByte("_-*/@", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// isStateValue: 0*255(chr) nblk-chr, printable ASCII without comma and equals.
func isStateValue(value string) bool {
	if value == "" || len(value) > maxStateValue || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == ',' || c == '=' {
			return false
		}
	}
	return true
}
