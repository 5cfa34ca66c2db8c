package storage

// thinning is what retention by query has done to a segment: nothing is in it
// that the rules with this sum delete up to this age.
type thinning struct {
	Rules uint32 `json:"rules"` // CRC-32C of the rules, as text
	Age   int64  `json:"age"`   // nanoseconds
}

// common is what holds for the spans of two segments; nil is nothing.
func (t *thinning) common(o *thinning) *thinning {
	if t == nil || o == nil || t.Rules != o.Rules {
		return nil
	}
	if o.Age < t.Age {
		return o
	}
	return t
}
