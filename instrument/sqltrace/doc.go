// Package sqltrace traces a database/sql driver:
//
//	db, err := sqltrace.Open("postgres", dsn, sqltrace.System("postgresql"))
//
// in the place of sql.Open makes a client span of every query, statement and
// transaction step, below the span of the context it is called with; call the
// methods of sql.DB that take a context.
//
// A span is named for what the query does to what, such as "SELECT orders";
// db.query.text is the query without its literals. Arguments are never
// recorded. A span of a query lasts until its rows are closed, since many
// databases find the rows only then. Names and attributes are those of the
// semantic conventions v1.43,
// https://opentelemetry.io/docs/specs/semconv/database/database-spans/.
package sqltrace
