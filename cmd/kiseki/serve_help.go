package main

import (
	"fmt"
	"io"

	"github.com/kiseki-dev/kiseki/config"
)

func writeServeHelp(w io.Writer) {
	fmt.Fprint(w, `NAME
  kiseki serve - take OTLP, store it, serve the UI and the API

SYNOPSIS
  kiseki serve [OPTION...]

DESCRIPTION
  Takes traces from OpenTelemetry SDKs and Collectors and from the clients of
  Jaeger and Zipkin, keeps them in a data folder on local disk and serves a web
  UI and an API to search and read them. A request that was answered with
  success is on disk and searchable.

  Without options it listens on this machine only and keeps 14 days of spans
  in ./data. The addresses are printed on stdout once it is ready; the log
  goes to stderr.

OPTIONS
  An option overrides its environment variable, which overrides the file.

`)
	config.WriteOptions(w)
	fmt.Fprint(w, `
ENDPOINTS
  on --http        /                        the UI
                   /api/kiseki/v1/          the API; openapi.yaml describes it
                   /api/, /api/v3/          Jaeger's query APIs
                   /api/v2/, /zipkin/       Zipkin's query API
                   /metrics                 for Prometheus
                   /healthz                 200 while the process runs
                   /readyz                  200 while it takes requests, else
                                            503 with the reason
                   gRPC                     queries of Tempo and Jaeger,
                                            grpc.health.v1 and reflection
  on --otlp-http   /v1/traces               OTLP, protobuf or JSON
  on --otlp-grpc   TraceService/Export      OTLP, and grpc.health.v1
  on --jaeger-grpc CollectorService         Jaeger's spans, and SamplingManager
  on --jaeger-http /api/traces              Jaeger's spans in Thrift
  on --jaeger-compact, --jaeger-binary      the same over UDP
  on --jaeger-sampling /sampling            how much Jaeger's clients sample
  on --zipkin      /api/v2/spans            Zipkin's spans, /api/v1/spans too,
                                            and Zipkin's query API

FILES
  DIR/             everything kiseki stores. To back it up, stop kiseki and
                   copy the folder. To start afresh, stop kiseki and remove it.

SIGNALS
  SIGINT, SIGTERM  stop: finish requests in flight, close the store, exit 0.
                   A second one exits at once; nothing acknowledged is lost.
  SIGKILL          safe too: what was acknowledged is there after the restart.

ENVIRONMENT
  KISEKI_*         settings, see OPTIONS.
  GOMEMLIMIT       a soft limit for the memory of the process, such as 1GiB.

EXAMPLES
  kiseki serve
  kiseki serve --data /var/lib/kiseki --retention-bytes 200GiB
  kiseki serve --otlp-grpc :4317 --tls-cert tls.crt --tls-key tls.key

EXIT STATUS
  0  stopped by a signal
  1  it could not start or had to stop; the last line on stderr says why
  2  the command line or the configuration is wrong
`)
}
