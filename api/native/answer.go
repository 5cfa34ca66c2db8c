package native

// spill sends what there is of the body if it is large enough for a piece, and
// returns what is left to send. An error means that the client is gone.
func (q *request) spill(body []byte) ([]byte, error) { return q.out.Spill(body) }

// answer sends what q has, or err.
func (a *api) answer(q *request, err error) {
	if q.out.Begun() {
		q.out.End(q.body, err, a.Logger)
		return
	}
	if err != nil {
		a.explain(q, err)
	}
	q.out.Send(q.status, q.body, a.Logger)
}
