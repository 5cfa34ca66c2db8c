package rpc

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Asked is what a call asks for, as an HTTP request says it: the fields of its
// first message by name, which begins with a small letter, those of a message in it by their own. Lists and maps
// are left out. It is safe for concurrent use.
type Asked struct {
	mu     sync.Mutex
	values url.Values
}

type askedKey struct{}

// Listen is ctx with an Asked that the call in it fills.
func Listen(ctx context.Context) (context.Context, *Asked) {
	a := &Asked{}
	return context.WithValue(ctx, askedKey{}, a), a
}

// Values are the fields that are set; nil before the message has come.
func (a *Asked) Values() url.Values {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.values
}

// note notes the first message of a call, if somebody listens.
func note(ctx context.Context, message any) {
	a, listens := ctx.Value(askedKey{}).(*Asked)
	m, ok := message.(proto.Message)
	if !listens || !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.values == nil {
		a.values = url.Values{}
		a.add(m.ProtoReflect())
	}
}

// add adds the fields of m. A message that holds itself ends where it is not
// set, and a client's ends with its length.
func (a *Asked) add(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() || f.IsMap():
		case f.Message() != nil:
			a.add(v.Message())
		default:
			name := string(f.Name())
			a.values.Add(strings.ToLower(name[:1])+name[1:], v.String())
		}
		return true
	})
}

// listening is a stream whose first message is noted.
type listening struct{ grpc.ServerStream }

// RecvMsg implements [grpc.ServerStream].
func (l listening) RecvMsg(m any) error {
	err := l.ServerStream.RecvMsg(m)
	if err == nil {
		note(l.Context(), m)
	}
	return err
}
