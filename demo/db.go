package demo

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// databases are the SQLite files of the services, in a folder of their own.
type databases struct {
	dir  string
	open []*sql.DB
}

// create makes the service's own database, traced, and runs schema.
//
// Transactions take the write lock when they begin, so that waiting for
// another writer shows as a long BEGIN; after five seconds it is an error.
func (d *databases) create(s *service, schema string) (*sql.DB, error) {
	dsn := "file:" + filepath.Join(d.dir, s.name+".db") +
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)"
	db, err := otelsql.Open("sqlite", dsn,
		otelsql.WithTracerProvider(s.provider),
		otelsql.WithAttributes(semconv.DBSystemNameSQLite, semconv.DBNamespace(s.name)),
		otelsql.WithSpanNameFormatter(func(_ context.Context, m otelsql.Method, query string) string {
			return querySummary(m, query)
		}),
		otelsql.WithAttributesGetter(queryAttributes),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableErrSkip:       true,
			OmitConnResetSession: true,
			OmitConnPrepare:      true,
			OmitConnectorConnect: true,
			OmitRows:             true,
			// An empty result is an answer, and what is not part of a
			// request (opening, the schema) needs no trace.
			RecordError: func(err error) bool { return !errors.Is(err, sql.ErrNoRows) },
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return trace.SpanContextFromContext(ctx).IsValid()
			},
		}))
	if err != nil {
		return nil, fmt.Errorf("open database of %s: %w", s.name, err)
	}
	d.open = append(d.open, db)
	if _, err := db.Exec(schema); err != nil {
		return nil, fmt.Errorf("create tables of %s: %w", s.name, err)
	}
	return db, nil
}

// close closes the databases and removes their files.
func (d *databases) close() error {
	var errs []error
	for _, db := range d.open {
		errs = append(errs, db.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}

// querySummary is the low-cardinality name of a query, such as
// "SELECT products",
// https://opentelemetry.io/docs/specs/semconv/database/database-spans/.
func querySummary(m otelsql.Method, query string) string {
	switch m {
	case otelsql.MethodConnBeginTx:
		return "BEGIN"
	case otelsql.MethodTxCommit:
		return "COMMIT"
	case otelsql.MethodTxRollback:
		return "ROLLBACK"
	}
	operation, table := parseQuery(query)
	if operation == "" {
		return string(m)
	}
	return strings.TrimSpace(operation + " " + table)
}

func queryAttributes(_ context.Context, m otelsql.Method, query string, args []driver.NamedValue) []attribute.KeyValue {
	attrs := []attribute.KeyValue{semconv.DBQuerySummary(querySummary(m, query))}
	operation, table := parseQuery(query)
	if operation != "" {
		attrs = append(attrs, semconv.DBOperationName(operation))
	}
	if table != "" {
		attrs = append(attrs, semconv.DBCollectionName(table))
	}
	for _, a := range args {
		key := fmt.Sprint("db.query.parameter.", a.Ordinal-1)
		attrs = append(attrs, attribute.String(key, fmt.Sprint(a.Value)))
	}
	return attrs
}

// parseQuery finds the operation and the first table of the shop's queries.
func parseQuery(query string) (operation, table string) {
	words := strings.Fields(query)
	if len(words) == 0 {
		return "", ""
	}
	operation = strings.ToUpper(words[0])
	for i, w := range words[:len(words)-1] {
		switch strings.ToUpper(w) {
		case "FROM", "INTO", "UPDATE":
			return operation, strings.Trim(words[i+1], "(),")
		}
	}
	return operation, ""
}

// inTx runs f in a transaction and commits it if f succeeds.
func inTx(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}
