// Package duckdb tests that DuckDB reads what kiseki exports. It is a module
// of its own because DuckDB is a C++ library: the product needs no cgo.
package duckdb
