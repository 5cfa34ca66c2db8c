package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/rpc"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// tenantKey is the key of a context's *tenant.
type tenantKey struct{}

// tenantContext puts the tenant that spans are sent to into a request's
// context. The first spans of a tenant make it.
func (s *server) tenantContext(ctx context.Context, h http.Header) (context.Context, error) {
	id, err := s.tenantID(h)
	if err != nil {
		return nil, err
	}
	t, err := s.tenants.take(id)
	switch {
	case errors.Is(err, errTooManyTenants):
		return nil, err
	case err != nil:
		if say, held := s.tenants.failed.Pass(err.Error(), time.Now()); say {
			s.log.Error("tenant cannot be opened", "tenant", id, "error", err, "repeated", held)
		}
		return nil, errOpening
	}
	return context.WithValue(ctx, tenantKey{}, t), nil
}

// append stores a batch with the tenant of a context that tenantContext made.
func (s *server) append(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	return ctx.Value(tenantKey{}).(*tenant).append(ctx, b)
}

// tenantID is the tenant of a request, always the default one unless tenants
// are enabled.
func (s *server) tenantID(h http.Header) (string, error) {
	if !s.config.Tenants.Enabled {
		return names.Default, nil
	}
	return names.Of(h)
}

func noData(id string) string {
	return fmt.Sprintf("tenant %q has no data; the first spans sent with %s: %s make it", id, names.Header, id)
}

// serveHTTP answers a request of an HTTP API from its tenant's data.
func (s *server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := s.tenantID(r.Header)
	if err != nil {
		native.Refuse(w, http.StatusBadRequest, "Invalid header "+names.Header, err.Error())
		return
	}
	if t := s.tenants.find(id); t != nil {
		s.queued(w, r, id, t.http)
		return
	}
	native.Refuse(w, http.StatusNotFound, "No such tenant", noData(id))
}

// serveRPC is serveHTTP for gRPC. Before the stores are open the default
// tenant's server says so.
func (s *server) serveRPC(w http.ResponseWriter, r *http.Request) {
	id, err := s.tenantID(r.Header)
	switch t := s.tenants.find(id); {
	case err != nil:
		rpc.Refuse(w, codes.InvalidArgument, err.Error())
	case t != nil:
		s.queued(w, r, id, t.rpc)
	case s.tenants.find(names.Default) == nil:
		s.rpc.ServeHTTP(w, r)
	default:
		rpc.Refuse(w, codes.NotFound, noData(id))
	}
}
