package zipkin

import (
	"testing"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestJSON shows what becomes of each field.
func TestJSON(t *testing.T) {
	const body = `[{
		"traceId": "463ac35c9f6413ad48485a3953bb6124", "parentId": "4e441824ec2b6a44", "id": "5b4185666d50f68b",
		"kind": "CLIENT", "name": "Get /", "timestamp": 1790000000000001, "duration": 207000, "debug": true, "shared": true,
		"localEndpoint": {"serviceName": "Frontend", "ipv4": "192.168.0.7", "ipv6": "2001:db8::c001", "port": 8080},
		"remoteEndpoint": {"serviceName": "backend", "ipv4": "192.168.0.8", "port": 9000},
		"annotations": [{"timestamp": 1790000000000003, "value": "foo"}],
		"tags": {"http.path": "/api", "answer": 42, "error": "broken"}}]`
	var b telemetry.Batch
	report, err := newDecoder(ingest.Limits{}).Decode(encodingJSON, []byte(body), &b)
	if err != nil || report != (ingest.Report{}) {
		t.Fatal(err, report)
	}
	const want = `span 463ac35c9f6413ad48485a3953bb6124/5b4185666d50f68b parent=4e441824ec2b6a44 name="Get /" start=1790000000000001000 end=1790000000207001000 kind=client status=error message="broken" state="" flags=0x0 dropped=0/0/0
  "peer.service" = string "backend"
  "network.peer.address" = string "192.168.0.8"
  "network.peer.port" = int 9000
  "network.local.address" = string "192.168.0.7"
  "zipkin.local.ipv6" = string "2001:db8::c001"
  "network.local.port" = int 8080
  "zipkin.debug" = bool true
  "zipkin.shared" = bool true
  "http.path" = string "/api"
  "answer" = string "42"
  "error" = string "broken"
  event "foo" time=1790000000000003000 dropped=0
  scope "" "" schema="" dropped=0
    "kiseki.received" = string "zipkin"
  resource schema="" dropped=0
    "service.name" = string "Frontend"
`
	if got := telemetrytest.Dump(&b); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
