package traceql

import "slices"

// Walk calls f for every field of an expression.
func Walk(e Expr, f func(Field)) {
	switch e := e.(type) {
	case *Binary:
		Walk(e.Left, f)
		Walk(e.Right, f)
	case *Not:
		Walk(e.X, f)
	case *Comparison:
		f(e.Field)
	case *Relation:
		WalkValue(e.Left, f)
		WalkValue(e.Right, f)
	}
}

// WalkValue calls f for every field of a value.
func WalkValue(v Value, f func(Field)) {
	switch v := v.(type) {
	case *FieldRef:
		f(v.Field)
	case *Arith:
		WalkValue(v.Left, f)
		WalkValue(v.Right, f)
	case *Condition:
		Walk(v.Expr, f)
	}
}

// Fields calls f for every field of a pipeline, those it selects included.
func (s *Pipeline) Fields(f func(Field)) {
	walkSpanset(s.First, f)
	for _, stage := range s.Stages {
		switch stage := stage.(type) {
		case Spanset:
			walkSpanset(stage, f)
		case *By:
			for _, v := range stage.Exprs {
				WalkValue(v, f)
			}
		case *Select:
			for _, x := range stage.Fields {
				f(x)
			}
		case *ScalarFilter:
			walkScalar(stage.Left, f)
			walkScalar(stage.Right, f)
		}
	}
}

func walkSpanset(s Spanset, f func(Field)) {
	switch s := s.(type) {
	case *Filter:
		Walk(s.Cond, f)
	case *SpansetOp:
		walkSpanset(s.Left, f)
		walkSpanset(s.Right, f)
	case *Pipeline:
		s.Fields(f)
	}
}

func walkScalar(s Scalar, f func(Field)) {
	switch s := s.(type) {
	case *Aggregate:
		if s.X != nil {
			WalkValue(s.X, f)
		}
	case *ScalarOp:
		walkScalar(s.Left, f)
		walkScalar(s.Right, f)
	}
}

// Selected is the fields that a search selects, each once.
func (q *Query) Selected() (out []Field) {
	if q.Spans == nil {
		return nil
	}
	for _, stage := range q.Spans.Stages {
		if s, ok := stage.(*Select); ok {
			for _, f := range s.Fields {
				if !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}
