// Package grafana holds a test only: Grafana's data-source plugins for Jaeger,
// Tempo and Zipkin ask a running kiseki, and what Grafana would show of their
// answers is written to testdata, field by field.
//
// The plugins are the programs that Grafana itself starts, built from their
// sources, unmodified, and spoken to as Grafana does: gRPC over the address
// that they print. They are under the AGPL, so they run as processes beside the
// test; nothing of them is in this repository or linked to it. The module is
// one of its own for the sake of the messages, which come from Grafana's
// plugin SDK (Apache-2.0).
//
//	plugins=$(test/grafana/plugins.sh)
//	cd test/grafana && KISEKI_GRAFANA_PLUGINS=$plugins go test .
//
// Without KISEKI_GRAFANA_PLUGINS the tests are skipped and say this. With
// -rewrite they write testdata anew.
package grafana
