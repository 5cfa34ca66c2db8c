package tracing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
)

type named struct{ name string }

func (named) Error() string       { return "an error" }
func (n named) ErrorType() string { return n.name }

func TestErrorType(t *testing.T) {
	for _, x := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "*errors.errorString"},
		{&net.OpError{Op: "dial"}, "*net.OpError"},
		{fmt.Errorf("call stock: %w", &net.OpError{Op: "dial"}), "*net.OpError"},
		{fmt.Errorf("call stock: %w", context.DeadlineExceeded), "context.DeadlineExceeded"},
		{fmt.Errorf("pay: %w", named{"card_declined"}), "card_declined"},
		{named{""}, "tracing.named"},
		{fmt.Errorf("pay: %w", (*named)(nil)), "*tracing.named"},
	} {
		if got := ErrorType(x.err); got != x.want {
			t.Errorf("%#v: %q, want %q", x.err, got, x.want)
		}
	}
}
