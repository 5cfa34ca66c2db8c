package sqltrace

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"go.opentelemetry.io/otel/trace"
)

// connector makes traced connections.
type connector struct {
	driver.Connector
	tracer *tracer
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, span := c.tracer.startBelow(ctx, "CONNECT")
	raw, err := c.Connector.Connect(ctx)
	end(span, err)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: raw, tracer: c.tracer}, nil
}

// Close implements io.Closer for sql.DB.Close.
func (c *connector) Close() error {
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// conn is a traced connection. It has every optional interface: where the
// driver's has not, it answers what database/sql takes for "not implemented".
type conn struct {
	driver.Conn
	tracer *tracer
}

// Raw is the driver's own connection, for sql.Conn.Raw.
func (c *conn) Raw() driver.Conn { return c.Conn }

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	p, ok := c.Conn.(driver.Pinger)
	if !ok {
		return nil
	}
	ctx, span := c.tracer.startBelow(ctx, "PING")
	err := p.Ping(ctx)
	end(span, err)
	return err
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	ctx, span := c.tracer.startQuery(ctx, "", query)
	result, err := e.ExecContext(ctx, c.tracer.comment(ctx, query), args)
	if err == driver.ErrSkip {
		return nil, err // the span is dropped: the statement's takes its place
	}
	end(span, err)
	return result, err
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	ctx, span := c.tracer.startQuery(ctx, "", query)
	raw, err := q.QueryContext(ctx, c.tracer.comment(ctx, query), args)
	if err == driver.ErrSkip {
		return nil, err
	}
	return traceRows(raw, err, span)
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	ctx, span := c.tracer.startQuery(ctx, "PREPARE ", query)
	raw, err := c.prepare(ctx, query)
	end(span, err)
	if err != nil {
		return nil, err
	}
	return newStmt(raw, c, query), nil
}

func (c *conn) prepare(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.Conn.Prepare(query)
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	began, span := c.tracer.start(ctx, "BEGIN")
	raw, err := c.begin(began, o)
	end(span, err)
	if err != nil {
		return nil, err
	}
	return &tx{Tx: raw, ctx: ctx, tracer: c.tracer}, nil
}

func (c *conn) begin(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, o)
	}
	// What database/sql says of such drivers.
	switch {
	case o.Isolation != 0:
		return nil, errors.New("sql: driver does not support non-default isolation level")
	case o.ReadOnly:
		return nil, errors.New("sql: driver does not support read-only transactions")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	//lint:ignore SA1019 drivers without BeginTx have nothing else
	return c.Conn.Begin()
}

// ResetSession implements driver.SessionResetter.
func (c *conn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid implements driver.Validator.
func (c *conn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// tx is a traced transaction. ctx is the one it was begun with: its end has
// none.
type tx struct {
	driver.Tx
	ctx    context.Context
	tracer *tracer
}

// Commit implements driver.Tx.
func (t *tx) Commit() error { return t.finish("COMMIT", t.Tx.Commit) }

// Rollback implements driver.Tx.
func (t *tx) Rollback() error { return t.finish("ROLLBACK", t.Tx.Rollback) }

func (t *tx) finish(operation string, do func() error) error {
	_, span := t.tracer.start(t.ctx, operation)
	err := do()
	end(span, err)
	return err
}

// traceRows is what a traced query returns: rows that end the span, or the
// error.
func traceRows(raw driver.Rows, err error, span trace.Span) (driver.Rows, error) {
	if err != nil {
		end(span, err)
		return nil, err
	}
	return newRows(raw, span), nil
}
