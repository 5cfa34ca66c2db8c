package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/kiseki-dev/kiseki/instrument/sqltrace"
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
	// What is not part of a request (opening, the schema) needs no trace.
	db, err := sqltrace.Open("sqlite", dsn, sqltrace.WithTracerProvider(s.provider.TracerProvider()),
		sqltrace.System("sqlite"), sqltrace.Database(s.name, "", 0), sqltrace.InTracesOnly())
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
