package test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
	"github.com/kiseki-dev/kiseki/instrument/sqltrace"
)

func open(t testing.TB, rec *spantest.Recorder, options ...sqltrace.Option) *sql.DB {
	t.Helper()
	options = append([]sqltrace.Option{sqltrace.WithTracerProvider(rec.Provider), sqltrace.System("sqlite"),
		sqltrace.InTracesOnly()}, options...)
	db, err := sqltrace.Open("sqlite", filepath.Join(t.TempDir(), "shop.db"), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL)"); err != nil {
		t.Fatal(err)
	}
	return db
}

// within runs f below a span called request.
func within(rec *spantest.Recorder, f func(ctx context.Context)) {
	ctx, span := rec.Provider.Tracer("test").Start(context.Background(), "request")
	defer span.End()
	f(ctx)
}

func TestDatabase(t *testing.T) {
	rec := spantest.New()
	db := open(t, rec, sqltrace.Database("shop", "", 0))
	within(rec, func(ctx context.Context) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		for id, name := range []string{"chair", "table"} {
			if _, err := tx.ExecContext(ctx, "INSERT INTO orders (id, name) VALUES (?, ?)", id, name); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		rows, err := db.QueryContext(ctx, "SELECT name FROM orders WHERE name <> 'secret' ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || fmt.Sprint(names) != "[chair table]" {
			t.Fatalf("names %v, %v", names, err)
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO orders (id) VALUES (7)"); err == nil {
			t.Fatal("a name is required")
		}
	})
	spantest.Compare(t, rec.Text(t, 7, "db.namespace", "db.system.name"), `
		internal request
		  client BEGIN
		    db.operation.name = BEGIN
		  client INSERT orders
		    db.collection.name = orders
		    db.operation.name = INSERT
		    db.query.summary = INSERT orders
		    db.query.text = INSERT INTO orders (id, name) VALUES (?)
		  client INSERT orders
		    db.collection.name = orders
		    db.operation.name = INSERT
		    db.query.summary = INSERT orders
		    db.query.text = INSERT INTO orders (id, name) VALUES (?)
		  client COMMIT
		    db.operation.name = COMMIT
		  client SELECT orders
		    db.collection.name = orders
		    db.operation.name = SELECT
		    db.query.summary = SELECT orders
		    db.query.text = SELECT name FROM orders WHERE name <> ? ORDER BY id
		    db.response.returned_rows = 2
		  client INSERT orders Error: constraint failed: NOT NULL constraint failed: orders.name (1299)
		    db.collection.name = orders
		    db.operation.name = INSERT
		    db.query.summary = INSERT orders
		    db.query.text = INSERT INTO orders (id) VALUES (?)
		    error.type = *sqlite.Error
		    event exception exception.message=constraint failed: NOT NULL constraint failed: orders.name (1299) exception.type=*sqlite.Error
		`)
	if text := rec.Text(t, 7); strings.Count(text, "db.system.name = sqlite") != 6 || strings.Count(text, "db.namespace = shop") != 6 {
		t.Error(text)
	}
}

func TestStatement(t *testing.T) {
	rec := spantest.New()
	db := open(t, rec)
	within(rec, func(ctx context.Context) {
		stmt, err := db.PrepareContext(ctx, "SELECT count(*) FROM orders WHERE id > ?")
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		var n int
		if err := stmt.QueryRowContext(ctx, 3).Scan(&n); err != nil {
			t.Fatal(err)
		}
	})
	spantest.Compare(t, rec.Text(t, 3, "db.system.name", "db.query.text", "db.query.summary", "db.operation.name", "db.collection.name"), `
		internal request
		  client PREPARE SELECT orders
		  client SELECT orders
		    db.response.returned_rows = 1
		`)
}

// Without a trace around it nothing is recorded, if so asked.
func TestInTracesOnly(t *testing.T) {
	rec := spantest.New()
	open(t, rec) // creates a table
	if n := len(rec.Spans(t, 0)); n != 0 {
		t.Errorf("%d spans", n)
	}
	rec = spantest.New()
	db, err := sqltrace.Open("sqlite", ":memory:", sqltrace.WithTracerProvider(rec.Provider))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	var one int
	if err := db.QueryRow("SELECT 1").Scan(&one); err != nil {
		t.Fatal(err)
	}
	if n := len(rec.Spans(t, 1)); n != 1 {
		t.Errorf("%d spans, want that of the query only: pings of a pool are no traces", n)
	}
}

// The database sees the trace of the query's own span, in the form of
// sqlcommenter: a view keeps the text it was created with.
func TestComments(t *testing.T) {
	rec := spantest.New()
	db := open(t, rec, sqltrace.WithComments())
	within(rec, func(ctx context.Context) {
		if _, err := db.ExecContext(ctx, "CREATE VIEW names AS SELECT name FROM orders"); err != nil {
			t.Fatal(err)
		}
	})
	var text string
	if err := db.QueryRow("SELECT sql FROM sqlite_master WHERE type = 'view'").Scan(&text); err != nil {
		t.Fatal(err)
	}
	sc := rec.Spans(t, 2)[0].SpanContext()
	if want := fmt.Sprintf("CREATE VIEW names AS SELECT name FROM orders /*traceparent='00-%s-%s-01'*/", sc.TraceID(), sc.SpanID()); text != want {
		t.Errorf("the database has seen\n%s, want\n%s", text, want)
	}
}

// What database/sql offers beyond queries works through the wrapper.
func TestPassesThrough(t *testing.T) {
	db := open(t, spantest.New())
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error {
		raw := c.(interface{ Raw() driver.Conn }).Raw()
		if name := fmt.Sprintf("%T", raw); name != "*sqlite.conn" {
			return fmt.Errorf("the driver's connection is a %s", name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO orders VALUES (:id, :name, :price)",
		sql.Named("id", 1), sql.Named("name", "chair"), sql.Named("price", 9.5)); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.QueryContext(ctx, "SELECT id, name, price FROM orders")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range types {
		names = append(names, c.DatabaseTypeName())
	}
	if fmt.Sprint(names) != "[INTEGER TEXT REAL]" {
		t.Errorf("column types are %v", names)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := conn.ExecContext(canceled, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled query: %v", err)
	}
}
