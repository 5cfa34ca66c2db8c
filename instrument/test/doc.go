// Package test is a module of its own for what needs libraries that users of
// package instrument should not see in their go.mod: the benchmarks beside
// otelhttp, and the tests with a real database and a real client of Kafka.
package test
