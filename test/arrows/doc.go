// Package arrows holds the house rules as tests: which package may import
// which, how large files and functions may grow, what must be documented,
// which words must not appear, and that links in the documentation lead
// somewhere. It has no code of its own.
package arrows
