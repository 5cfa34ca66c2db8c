package sqltrace

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/source"
	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

const scope = "github.com/kiseki-dev/kiseki/instrument/sqltrace"

// Option says what the database is, or with what it is traced.
type Option func(*tracer)

// WithTracerProvider takes p in the place of otel.GetTracerProvider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(t *tracer) { t.source.Provider = p }
}

// System is db.system.name, one of the list in the semantic conventions:
// "postgresql", "mysql", "mariadb", "sqlite", "microsoft.sql_server",
// "oracle.db", "clickhouse" … It also says how the database writes strings.
// Without it, it is "other_sql".
func System(name string) Option {
	return func(t *tracer) { t.queries.system = name }
}

// Database adds db.namespace and, where host is not "", the address of the
// server; port 0 leaves the port out.
func Database(namespace, host string, port int) Option {
	return func(t *tracer) {
		if namespace != "" {
			t.attributes = append(t.attributes, semconv.DBNamespace(namespace))
		}
		if host != "" {
			t.attributes = append(t.attributes, semconv.ServerAddress(host))
		}
		if port != 0 {
			t.attributes = append(t.attributes, semconv.ServerPort(port))
		}
	}
}

// InTracesOnly leaves out what is called without a span in the context, such
// as the polling of a background job, instead of making a trace of each.
func InTracesOnly() Option {
	return func(t *tracer) { t.inTracesOnly = true }
}

// WithComments adds the trace to the text of queries, as a comment in the
// form of https://google.github.io/sqlcommenter/spec/, so that it is found in
// the logs and the lists of running queries of the database:
//
//	SELECT name FROM users /*traceparent='00-…-…-01'*/
//
// Every query becomes another text, which defeats a cache of statements by
// their text in the driver or the database; hence it has to be asked for.
// Prepared statements and queries that have a comment are left as they are.
func WithComments() Option {
	return func(t *tracer) { t.comments = true }
}

// tracer is what all connections of a database share.
type tracer struct {
	source       source.Source
	attributes   []attribute.KeyValue // of every span
	queries      queries
	inTracesOnly bool
	comments     bool
}

func newTracer(options []Option) *tracer {
	t := &tracer{queries: queries{system: "other_sql"}}
	for _, option := range options {
		option(t)
	}
	t.attributes = append(t.attributes, semconv.DBSystemNameKey.String(t.queries.system))
	t.source.Propagator = propagate.TraceContext{} // for the comments
	t.source.Init(scope, trace.SpanKindClient)
	return t
}

// Open is sql.Open with every connection traced. driverName is that of a
// registered driver.
func Open(driverName, dsn string, options ...Option) (*sql.DB, error) {
	// The way to a registered driver is through a DB that connects to nothing.
	unused, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, fmt.Errorf("open traced database: %w", err)
	}
	d := unused.Driver()
	if err := unused.Close(); err != nil {
		return nil, fmt.Errorf("open traced database: %w", err)
	}
	if withContext, ok := d.(driver.DriverContext); ok {
		c, err := withContext.OpenConnector(dsn)
		if err != nil {
			return nil, fmt.Errorf("open traced database: %w", err)
		}
		return OpenDB(c, options...), nil
	}
	return OpenDB(dsnConnector{d, dsn}, options...), nil
}

// OpenDB is sql.OpenDB with every connection traced.
func OpenDB(c driver.Connector, options ...Option) *sql.DB {
	return sql.OpenDB(&connector{Connector: c, tracer: newTracer(options)})
}

// dsnConnector is the connector of a driver that has none.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

// Connect implements driver.Connector.
func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

// Driver implements driver.Connector.
func (c dsnConnector) Driver() driver.Driver { return c.driver }
