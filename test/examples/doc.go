// Package examples runs the programs in the folder examples against a kiseki,
// and the commands of their documentation.
package examples
