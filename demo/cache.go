package demo

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// cache is an in-process cache with a time to live, traced like a database.
type cache[V any] struct {
	service *service
	name    string
	ttl     time.Duration

	mu      sync.Mutex
	entries map[string]cacheEntry[V]
}

type cacheEntry[V any] struct {
	value   V
	expires time.Time
}

func newCache[V any](s *service, name string, ttl time.Duration) *cache[V] {
	return &cache[V]{service: s, name: name, ttl: ttl, entries: map[string]cacheEntry[V]{}}
}

func (c *cache[V]) span(ctx context.Context, operation, key string) trace.Span {
	_, span := c.service.tracer.Start(ctx, operation+" "+c.name,
		trace.WithAttributes(
			semconv.DBSystemNameKey.String("in_process_cache"),
			semconv.DBNamespace(c.name),
			semconv.DBOperationName(operation),
			attribute.String("cache.key", key)))
	return span
}

func (c *cache[V]) get(ctx context.Context, key string) (V, bool) {
	span := c.span(ctx, "GET", key)
	defer span.End()
	c.mu.Lock()
	e, ok := c.entries[key]
	c.mu.Unlock()
	hit := ok && time.Now().Before(e.expires)
	span.SetAttributes(attribute.Bool("cache.hit", hit))
	return e.value, hit
}

func (c *cache[V]) set(ctx context.Context, key string, v V) {
	span := c.span(ctx, "SET", key)
	defer span.End()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = cacheEntry[V]{v, time.Now().Add(c.ttl)}
}

func (c *cache[V]) del(ctx context.Context, key string) {
	span := c.span(ctx, "DEL", key)
	defer span.End()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}
