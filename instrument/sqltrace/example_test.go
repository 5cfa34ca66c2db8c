package sqltrace_test

import (
	"context"

	"github.com/kiseki-dev/kiseki/instrument/sqltrace"
)

func ExampleOpen() {
	db, err := sqltrace.Open("postgres", "postgres://orders@db.shop.internal/orders",
		sqltrace.System("postgresql"), sqltrace.Database("orders", "db.shop.internal", 5432))
	if err != nil {
		return
	}
	defer db.Close()
	var n int
	// The span is "SELECT orders".
	_ = db.QueryRowContext(context.Background(), "SELECT count(*) FROM orders WHERE sku = $1", "chair").Scan(&n)
}
