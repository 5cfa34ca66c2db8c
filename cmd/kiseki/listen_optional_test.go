package main

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/config"
)

// taken is an address of this machine that is not free until the test ends.
func taken(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// told is what /server says of a receiver beside OTLP.
func told(t *testing.T, r *running, setting string) native.Listener {
	t.Helper()
	all := ask[native.Server](t, r, "/server").Listeners
	i := slices.IndexFunc(all, func(l native.Listener) bool { return l.Setting == setting })
	if i < 0 {
		t.Fatalf("/server says nothing of %s: %+v", setting, all)
	}
	return all[i]
}

// A receiver whose usual port is taken is left out: nobody asked for it.
func TestUsualPortIsTaken(t *testing.T) {
	c := config.Default()
	c.Zipkin.Address = taken(t)
	all, err := openOptional(&c)
	if err != nil {
		t.Fatal(err)
	}
	l := listeners{optional: all}
	defer l.close()
	o := l.find(keyZipkin)
	if o.addr() != nil || o.missing == nil {
		t.Fatalf("%+v", o)
	}
	var log strings.Builder
	l.warnMissing(newLogger(&log, c.Log))
	for _, want := range []string{"level=WARN", "Zipkin", "--zipkin off", "is taken"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
	s := server{listeners: l}
	i := slices.IndexFunc(s.told(), func(n native.Listener) bool { return n.Setting == keyZipkin })
	if n := s.told()[i]; n.State != native.ListenerMissing || n.Address != c.Zipkin.Address || !strings.Contains(n.Reason, "--zipkin") {
		t.Errorf("%+v", n)
	}
}

// One whose port was asked for must have it.
func TestPortThatWasAskedFor(t *testing.T) {
	c, err := config.Load([]string{"--zipkin", taken(t)}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if _, err = openOptional(&c); err == nil || !strings.Contains(err.Error(), "choose another address with --zipkin") {
		t.Errorf("got %v", err)
	}
}

func TestReceiverOff(t *testing.T) {
	r := startServe(t, t.TempDir(), "--zipkin", "off")
	if n := told(t, r, keyZipkin); n.State != native.ListenerOff || n.Address != "" {
		t.Errorf("%+v", n)
	}
	if r.others["Zipkin"] != "" {
		t.Errorf("it listens at %s", r.others["Zipkin"])
	}
}

// Zipkin's clients send to and ask at one port.
func TestZipkin(t *testing.T) {
	r := startServe(t, t.TempDir(), "--zipkin", "127.0.0.1:0", "--retention-age", "0")
	url := r.others["Zipkin"]
	if n := told(t, r, keyZipkin); n.State != native.ListenerOpen || n.Address != url {
		t.Errorf("%+v at %s", n, url)
	}
	body := `[{"traceId":"463ac35c9f6413ad","id":"463ac35c9f6413ad","kind":"SERVER","name":"get /","timestamp":1790000000000000,
		"duration":1500,"localEndpoint":{"serviceName":"frontend"}}]`
	if status, text := r.as(t, "", http.MethodPost, url+"/api/v2/spans", body); status != http.StatusAccepted || text != "" {
		t.Fatalf("%d %s", status, text)
	}
	for path, want := range map[string]string{
		"/api/v2/trace/463ac35c9f6413ad": `"name":"get /"`, "/zipkin/api/v2/services": `["frontend"]`, "/health": "UP",
	} {
		resp, err := r.client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	for path, want := range map[string]int{"/api/kiseki/v1/status": 404, "/": 404, "/api/traces/1": 404} {
		if status, _ := r.as(t, "", http.MethodGet, url+path, ""); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Jaeger's clients send to four ports, and ask how much at a fifth.
func TestJaeger(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0", "--jaeger-grpc", "127.0.0.1:0", "--jaeger-http", "127.0.0.1:0",
		"--jaeger-compact", "127.0.0.1:0", "--jaeger-binary", "127.0.0.1:0", "--jaeger-sampling", "127.0.0.1:0")
	for _, title := range []string{"Jaeger/gRPC", "Jaeger/HTTP", "Jaeger compact", "Jaeger binary", "Jaeger sampling"} {
		if r.others[title] == "" {
			t.Fatalf("%s is not printed: %v", title, r.others)
		}
	}
	// A batch of one span: {2: [{1: 1, 3: 2, 5: "get", 8: 1790000000000000}]}.
	const span = "\x0f\x00\x02\x0c\x00\x00\x00\x01\x0a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x0a\x00\x03\x00\x00\x00\x00\x00\x00\x00\x02" +
		"\x0b\x00\x05\x00\x00\x00\x03get\x0a\x00\x08\x00\x06\x5b\xfe\xda\x25\xe0\x00\x00\x00"
	resp, err := r.client.Post(r.others["Jaeger/HTTP"]+"/api/traces", "application/x-thrift", strings.NewReader(span))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, body := r.get(t, "/api/traces/0000000000000001"); resp.StatusCode != http.StatusAccepted || !strings.Contains(body, `"operationName":"get"`) {
		t.Errorf("%d, then %s", resp.StatusCode, body)
	}
	conn, err := net.Dial("udp", r.others["Jaeger binary"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	packet := "\x80\x01\x00\x04\x00\x00\x00\x09emitBatch\x00\x00\x00\x01\x0c\x00\x01" + strings.Replace(span, "get", "put", 1) + "\x00"
	if _, err := conn.Write([]byte(packet)); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, body := r.get(t, "/api/traces/0000000000000001")
		if strings.Contains(body, `"operationName":"put"`) {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("the datagram did not arrive: %s", body)
		}
	}
	if status, body := r.as(t, "", http.MethodGet, r.others["Jaeger sampling"]+"/sampling?service=shop", ""); status != 200 || !strings.Contains(body, "PROBABILISTIC") {
		t.Errorf("%d %s", status, body)
	}
}

// X-Ray's SDKs send to and ask at one port, and what they sent is found by the
// ID that they know.
func TestXRay(t *testing.T) {
	r := startServe(t, t.TempDir(), "--xray", "127.0.0.1:0", "--retention-age", "0")
	address := r.others["AWS X-Ray"]
	if n := told(t, r, keyXRay); n.State != native.ListenerOpen || n.Address != address {
		t.Errorf("%+v at %s", n, address)
	}
	if status, text := r.as(t, "", http.MethodPost, "http://"+address+"/GetSamplingRules", `{}`); status != 200 || !strings.Contains(text, "Default") {
		t.Errorf("%d %s", status, text)
	}
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(`{"format":"json","version":1}
		{"trace_id":"1-4efaaf4d-1e8720b39541901950019ee5","id":"6226467e3f845502","name":"shop","start_time":1790000000.5,"end_time":1790000001}`)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/kiseki/v1/traces/", "/api/traces/", "/api/v3/traces/", "/tempo/api/v2/traces/", "/tempo/api/traces/", "/api/v2/trace/"} {
		status, text := 0, ""
		for until := time.Now().Add(10 * time.Second); status != 200 && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			status, text = r.get(t, path+"1-4efaaf4d-1e8720b39541901950019ee5")
		}
		if status != 200 || !strings.Contains(text, "shop") {
			t.Errorf("%s: %d %.300s", path, status, text)
		}
	}
}

// TestDatadog: the Agent's port takes a trace, here of one span in MessagePack.
func TestDatadog(t *testing.T) {
	r := startServe(t, t.TempDir(), "--datadog", "127.0.0.1:0", "--retention-age", "0")
	url := r.others["Datadog"]
	if n := told(t, r, keyDatadog); n.State != native.ListenerOpen || n.Address != url {
		t.Errorf("/server says %+v, it listens at %s", n, url)
	}
	body := "\x91\x91\x85\xa8trace_id\x07\xa7span_id\x08\xa4name\xa1n\xa7service\xa4shop\xa5start\xcf\x18\xd7\x5a\x00\x00\x00\x00\x00"
	resp, err := r.client.Post(url+"/v0.4/traces", "application/msgpack", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	_, trace := r.get(t, "/api/kiseki/v1/traces/00000000000000000000000000000007")
	if !strings.Contains(trace, `"shop"`) {
		t.Errorf("the trace is %s", trace)
	}
}
