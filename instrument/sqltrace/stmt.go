package sqltrace

import (
	"context"
	"database/sql/driver"
	"errors"
)

// stmt is a traced prepared statement.
type stmt struct {
	driver.Stmt
	conn  *conn
	query string
}

// convertingStmt is a stmt of a driver that converts arguments column by
// column, which database/sql asks for by type.
type convertingStmt struct {
	*stmt
	columns interface {
		ColumnConverter(index int) driver.ValueConverter
	}
}

// ColumnConverter implements driver.ColumnConverter.
func (s convertingStmt) ColumnConverter(index int) driver.ValueConverter {
	return s.columns.ColumnConverter(index)
}

func newStmt(raw driver.Stmt, c *conn, query string) driver.Stmt {
	s := &stmt{Stmt: raw, conn: c, query: query}
	//lint:ignore SA1019 some drivers have nothing newer
	if cc, ok := raw.(driver.ColumnConverter); ok {
		return convertingStmt{s, cc}
	}
	return s
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	ctx, span := s.conn.tracer.startQuery(ctx, "", s.query)
	result, err := s.exec(ctx, args)
	end(span, err)
	return result, err
}

func (s *stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.Stmt.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 drivers without ExecContext have nothing else
	return s.Stmt.Exec(values)
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	ctx, span := s.conn.tracer.startQuery(ctx, "", s.query)
	raw, err := s.rows(ctx, args)
	return traceRows(raw, err, span)
}

func (s *stmt) rows(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.Stmt.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := positional(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 drivers without QueryContext have nothing else
	return s.Stmt.Query(values)
}

// CheckNamedValue implements driver.NamedValueChecker. database/sql asks the
// connection only if the statement cannot be asked.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

// positional does what database/sql does for drivers that know no contexts.
func positional(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = a.Value
	}
	return values, nil
}
