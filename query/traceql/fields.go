package traceql

import (
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// fieldType decides what a field may be compared with.
type fieldType uint8

const (
	typeAttr        fieldType = iota // anything but a status or a span kind
	typeString                       // "" and nil are the same
	typeName                         // a string that is never nil
	typeEvent                        // a string that is nil where there is no event
	typeInt                          // an integer
	typeDuration                     // a duration
	typeEventTime                    // a duration, nil where there is no event
	typeStatus                       // a status
	typeKind                         // a span kind
	typeTraceID                      // hexadecimal, equal or not
	typeSpanID                       // hexadecimal, equal or not
	typeParentID                     // hexadecimal, equal or not; nil for a root
	typeLinkTraceID                  // as typeTraceID, nil where there is no link
	typeLinkSpanID                   // as typeSpanID, nil where there is no link
)

// intrinsic is a row of the table of built-in fields. The first name that is
// not empty is the one that is printed.
type intrinsic struct {
	short, scoped string
	field         Field
	typ           fieldType
}

func spanField(i scan.Intrinsic) Field { return Field{Field: scan.Field{Intrinsic: i}} }

var intrinsics = [...]intrinsic{
	{"name", "span:name", spanField(scan.IntrinsicName), typeName},
	{"kind", "span:kind", spanField(scan.IntrinsicKind), typeKind},
	{"status", "span:status", spanField(scan.IntrinsicStatus), typeStatus},
	{"statusMessage", "span:statusMessage", spanField(scan.IntrinsicStatusMessage), typeString},
	{"duration", "span:duration", spanField(scan.IntrinsicDuration), typeDuration},
	{"", "span:traceState", spanField(scan.IntrinsicTraceState), typeString},
	{"", "span:id", spanField(scan.IntrinsicSpanID), typeSpanID},
	{"", "span:parentID", spanField(scan.IntrinsicParentID), typeParentID},
	{"", "trace:id", spanField(scan.IntrinsicTraceID), typeTraceID},
	{"traceDuration", "trace:duration", Field{Trace: TraceDuration}, typeDuration},
	{"rootName", "trace:rootName", Field{Trace: TraceRootName}, typeName},
	{"rootServiceName", "trace:rootService", Field{Trace: TraceRootService}, typeString},
	{"childCount", "span:childCount", Field{Trace: SpanChildCount}, typeInt},
	{"nestedSetLeft", "span:nestedSetLeft", Field{Trace: SpanNestedLeft}, typeInt},
	{"nestedSetRight", "span:nestedSetRight", Field{Trace: SpanNestedRight}, typeInt},
	{"nestedSetParent", "span:nestedSetParent", Field{Trace: SpanNestedParent}, typeInt},
	{"", "event:name", spanField(scan.IntrinsicEventName), typeEvent},
	{"", "event:timeSinceStart", spanField(scan.IntrinsicEventTime), typeEventTime},
	{"", "link:traceID", spanField(scan.IntrinsicLinkTraceID), typeLinkTraceID},
	{"", "link:spanID", spanField(scan.IntrinsicLinkSpanID), typeLinkSpanID},
	{"", "instrumentation:name", spanField(scan.IntrinsicScopeName), typeString},
	{"", "instrumentation:version", spanField(scan.IntrinsicScopeVersion), typeString},
}

var scopes = [...]struct {
	name  string
	scope scan.Scope
}{
	{"span", scan.ScopeSpan},
	{"resource", scan.ScopeResource},
	{"event", scan.ScopeEvent},
	{"link", scan.ScopeLink},
	{"instrumentation", scan.ScopeInstrumentation},
	{"", scan.ScopeAny},
}

// knownNames are the names offered in place of one that does not exist.
var knownNames = func() (names []string) {
	for _, in := range &intrinsics {
		if in.short != "" {
			names = append(names, in.short)
		}
		names = append(names, in.scoped)
	}
	return names
}()

func lookupIntrinsic(name string) (Field, bool) {
	for _, in := range &intrinsics {
		if name == in.scoped || name == in.short && name != "" {
			return in.field, true
		}
	}
	return Field{}, false
}

func lookupScope(name string) (scan.Scope, bool) {
	for _, s := range &scopes {
		if s.name == name {
			return s.scope, true
		}
	}
	return 0, false
}

// typeOf is the type of f; f is an attribute or in the table.
func typeOf(f Field) fieldType {
	if f.Scope != scan.ScopeIntrinsic {
		return typeAttr
	}
	for _, in := range &intrinsics {
		if in.field == f {
			return in.typ
		}
	}
	return typeAttr
}

// String is the field as a query spells it.
func (f Field) String() string { return string(f.appendTo(nil)) }

func (f Field) appendTo(dst []byte) []byte {
	if f.Scope == scan.ScopeIntrinsic {
		for _, in := range &intrinsics {
			if in.field == f && in.short != "" {
				return append(dst, in.short...)
			} else if in.field == f {
				return append(dst, in.scoped...)
			}
		}
		return dst
	}
	for _, s := range &scopes {
		if s.scope == f.Scope {
			dst = append(dst, s.name...)
		}
	}
	dst = append(dst, '.')
	plain := f.Key != ""
	for _, r := range f.Key {
		plain = plain && isKeyRune(r)
	}
	if plain {
		return append(dst, f.Key...)
	}
	dst = append(dst, '"')
	dst = append(dst, keyEscaper.Replace(f.Key)...)
	return append(dst, '"')
}

// keyEscaper writes the two escapes that a quoted attribute name has.
var keyEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// ParseField reads a single field, such as "resource.service.name" or "name".
func ParseField(text string) (Field, error) {
	p := parser{lexer: lexer{text: text}}
	if err := p.start(); err != nil {
		return Field{}, err
	}
	if p.tok.kind != tokField && p.tok.kind != tokWord {
		return Field{}, p.unexpected("a field such as resource.service.name")
	}
	f, err := p.field()
	if err != nil {
		return Field{}, err
	}
	if p.tok.kind != tokEnd {
		return Field{}, p.unexpected("the end of the field")
	}
	return f, nil
}
