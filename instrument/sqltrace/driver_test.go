package sqltrace_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
	"github.com/kiseki-dev/kiseki/instrument/sqltrace"
)

// oldest is a driver with nothing but what drivers had in Go 1.0: no contexts,
// no transactions with options, a column converter.
type oldest struct{ log *[]string }

func (d oldest) note(format string, args ...any) {
	*d.log = append(*d.log, fmt.Sprintf(format, args...))
}

func (d oldest) Open(dsn string) (driver.Conn, error) {
	if dsn == "nowhere" {
		return nil, errors.New("no such host")
	}
	return d, nil
}
func (d oldest) Prepare(query string) (driver.Stmt, error) {
	if query == "nonsense" {
		return nil, errors.New("syntax error")
	}
	d.note("prepare %s", query)
	return oldestStmt{d}, nil
}
func (d oldest) Close() error              { return nil }
func (d oldest) Begin() (driver.Tx, error) { d.note("begin"); return d, nil }
func (d oldest) Commit() error             { d.note("commit"); return nil }
func (d oldest) Rollback() error           { d.note("rollback"); return errors.New("connection lost") }

type oldestStmt struct{ oldest }

func (s oldestStmt) NumInput() int { return -1 }
func (s oldestStmt) Exec(args []driver.Value) (driver.Result, error) {
	s.note("exec %v", args)
	return driver.RowsAffected(1), nil
}
func (s oldestStmt) Query(args []driver.Value) (driver.Rows, error) {
	s.note("query %v", args)
	return &oldestRows{}, nil
}
func (s oldestStmt) ColumnConverter(int) driver.ValueConverter { return doubled{} }

type doubled struct{}

func (doubled) ConvertValue(v any) (driver.Value, error) { return v.(int64) * 2, nil }

type oldestRows struct{ n int }

func (r *oldestRows) Columns() []string { return []string{"n"} }
func (r *oldestRows) Close() error      { return nil }
func (r *oldestRows) Next(dest []driver.Value) error {
	if r.n++; r.n > 3 {
		return io.EOF
	}
	dest[0] = int64(r.n)
	return nil
}

// use does with a database what programs do, and says what came of it.
func use(ctx context.Context, db *sql.DB) (said []string) {
	say := func(what string, err error) { said = append(said, fmt.Sprintf("%s: %v", what, err)) }
	say("ping", db.PingContext(ctx))
	_, err := db.ExecContext(ctx, "INSERT INTO t VALUES (?)", int64(4))
	say("exec", err)
	_, err = db.ExecContext(ctx, "INSERT INTO t VALUES (:n)", sql.Named("n", int64(4)))
	say("named", err)
	_, err = db.ExecContext(ctx, "nonsense")
	say("nonsense", err)
	rows, err := db.QueryContext(ctx, "SELECT n FROM t")
	say("query", err)
	types, err := rows.ColumnTypes()
	say("types", err)
	n := 0
	for rows.Next() {
		n++
	}
	say("rows", rows.Err())
	length, hasLength := types[0].Length()
	said = append(said, fmt.Sprint(n, rows.NextResultSet(), types[0].DatabaseTypeName(), length, hasLength, types[0].ScanType()))
	_, err = db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	say("read only", err)
	_, err = db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	say("serializable", err)
	tx, err := db.BeginTx(ctx, nil)
	say("begin", err)
	say("commit", tx.Commit())
	if tx, err = db.BeginTx(ctx, nil); err == nil {
		say("rollback", tx.Rollback())
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = db.QueryContext(canceled, "SELECT n FROM t")
	say("canceled", err)
	return said
}

type plainConnector struct{ oldest }

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.Open("") }
func (c plainConnector) Driver() driver.Driver                        { return c.oldest }

// A program sees the same through the wrapper, and so does the driver.
func TestOldestDriver(t *testing.T) {
	var wantLog, gotLog []string
	plain := sql.OpenDB(plainConnector{oldest{&wantLog}})
	defer plain.Close()
	rec := spantest.New()
	traced := sqltrace.OpenDB(plainConnector{oldest{&gotLog}}, sqltrace.WithTracerProvider(rec.Provider))
	defer traced.Close()
	want, got := use(context.Background(), plain), use(context.Background(), traced)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("with tracing %q, without %q", got[i], want[i])
		}
	}
	if fmt.Sprint(gotLog) != fmt.Sprint(wantLog) {
		t.Errorf("the driver is asked for\n%q, without tracing for\n%q", gotLog, wantLog)
	}
	spantest.Compare(t, rec.Text(t, 13, "db.system.name", "db.query.text", "db.query.summary", "db.operation.name", "db.collection.name"), `
		client PREPARE INSERT t
		client INSERT t
		client PREPARE INSERT t
		client INSERT t Error: sql: driver does not support the use of Named Parameters
		  error.type = *errors.errorString
		  event exception exception.message=sql: driver does not support the use of Named Parameters exception.type=*errors.errorString
		client PREPARE NONSENSE Error: syntax error
		  error.type = *errors.errorString
		  event exception exception.message=syntax error exception.type=*errors.errorString
		client PREPARE SELECT t
		client SELECT t
		  db.response.returned_rows = 3
		client BEGIN Error: sql: driver does not support read-only transactions
		  error.type = *errors.errorString
		  event exception exception.message=sql: driver does not support read-only transactions exception.type=*errors.errorString
		client BEGIN Error: sql: driver does not support non-default isolation level
		  error.type = *errors.errorString
		  event exception exception.message=sql: driver does not support non-default isolation level exception.type=*errors.errorString
		client BEGIN
		client COMMIT
		client BEGIN
		client ROLLBACK Error: connection lost
		  error.type = *errors.errorString
		  event exception exception.message=connection lost exception.type=*errors.errorString
		`)
}

func TestFailingConnection(t *testing.T) {
	var log []string
	sql.Register("oldest", oldest{&log})
	rec := spantest.New()
	db, err := sqltrace.Open("oldest", "nowhere", sqltrace.WithTracerProvider(rec.Provider))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, span := rec.Provider.Tracer("test").Start(context.Background(), "request")
	if err := db.PingContext(ctx); err == nil || err.Error() != "no such host" {
		t.Errorf("the error is %v", err)
	}
	span.End()
	spantest.Compare(t, rec.Text(t, 2, "db.system.name", "db.operation.name"), `
		internal request
		  client CONNECT Error: no such host
		    error.type = *errors.errorString
		    event exception exception.message=no such host exception.type=*errors.errorString
		`)
	if _, err := sqltrace.Open("no such driver", ""); err == nil {
		t.Error("a driver that nobody registered was opened")
	}
}
