package native

import (
	"net/http"

	"github.com/kiseki-dev/kiseki/query/traceql"
)

// problem is an error that the client is told, as RFC 9457 has it.
type problem struct {
	Status   int
	Title    string
	Detail   string
	Query    bool // Position is meant
	Position int
	Expected string
}

// Error implements error.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

func (p *problem) append(dst []byte) []byte {
	dst = appendString(append(dst, `{"title":`...), p.Title)
	dst = appendIntField(dst, "status", int64(p.Status))
	if p.Detail != "" {
		dst = appendString(append(dst, `,"detail":`...), p.Detail)
	}
	if p.Query {
		dst = appendIntField(dst, "position", int64(p.Position))
	}
	if p.Expected != "" {
		dst = appendString(append(dst, `,"expected":`...), p.Expected)
	}
	return append(dst, '}')
}

// badParameter is the problem of a parameter that is not as it must be.
func badParameter(name, why string) *problem {
	return &problem{Status: http.StatusBadRequest, Title: "Invalid parameter " + name, Detail: why}
}

// badQuery is the problem of a query or field that does not parse.
func badQuery(name string, err *traceql.Error) *problem {
	p := badParameter(name, err.Message)
	p.Query, p.Position, p.Expected = true, err.Pos, err.Expected
	return p
}
