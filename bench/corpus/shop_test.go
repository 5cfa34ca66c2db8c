package corpus

import "testing"

// bounds are the fewest and most spans below and with o.
func bounds(o *op) (fewest, most int) {
	fewest, most = 1, 1
	for _, c := range o.calls {
		low, high := bounds(c.op)
		if c.p >= 1 {
			fewest += c.min * low
		}
		most += c.max * high
	}
	return fewest, most
}

func TestTracesHave5To60Spans(t *testing.T) {
	smallest, largest := 1000, 0
	for _, e := range endpoints() {
		fewest, most := bounds(e.op)
		t.Logf("%s: %d to %d spans", e.op.name, fewest, most)
		smallest, largest = min(smallest, fewest), max(largest, most)
	}
	if smallest != 5 || largest != 60 {
		t.Errorf("traces have %d to %d spans, want 5 to 60", smallest, largest)
	}
}
