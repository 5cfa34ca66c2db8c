// Package crash is the test that acknowledged means durable: it kills the
// real binary with SIGKILL in the middle of ingestion, again and again on one
// data folder, and asks for every span whose request was answered. It has no
// code of its own.
package crash
