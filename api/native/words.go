package native

import "github.com/kiseki-dev/kiseki/query/traceql"

// listWords answers with the vocabulary of the query language.
func (a *api) listWords(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	q.body = append(q.body, `{"words":[`...)
	for i, w := range traceql.Vocabulary() {
		if i > 0 {
			q.body = append(q.body, ',')
		}
		q.body = appendWord(q.body, w)
	}
	q.body = append(q.body, `]}`...)
	return nil
}

func appendWord(dst []byte, w traceql.Word) []byte {
	dst = appendString(append(dst, `{"name":`...), w.Name)
	dst = appendStringField(dst, "kind", string(w.Kind))
	if w.Takes != "" {
		dst = appendStringField(dst, "takes", w.Takes)
	}
	if len(w.Values) > 0 {
		dst = append(dst, `,"values":[`...)
		first := true
		for _, v := range w.Values {
			dst = appendString(appendComma(dst, &first), v)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
