package crash

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// TestForward kills both a kiseki that sends on and the one that it sends to,
// at random moments, each round another protocol. In the end the second one has
// all that the first acknowledged.
func TestForward(t *testing.T) {
	r, bin := newRand(t), build(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, protocol := range []struct{ scheme, option string }{{"otlp+grpc", "--otlp-grpc"}, {"otlp+http", "--otlp-http"}, {"zipkin", "--zipkin"}, {"jaeger", "--jaeger-grpc"}} {
		near, far := t.TempDir(), t.TempDir()
		to := []string{"--forward", fmt.Sprintf(`[{name: far, to: "%s://%s"}]`, protocol.scheme, address)}
		at := []string{protocol.option, address}
		var all []sent
		for range 2 {
			other := start(t, bin, far, at...)
			s := start(t, bin, near, to...)
			acked := load(t, s, r, 4, 1<<30, 100)
			time.Sleep(time.Duration(50+r.IntN(400)) * time.Millisecond)
			if other.kill(); r.IntN(2) == 0 {
				time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
			}
			s.kill()
			all = append(all, acked()...)
		}
		other, s := start(t, bin, far, at...), start(t, bin, near, to...)
		var found int
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			if found, err = verify(t.Context(), other, all); err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %v\nlogs:\n%s\n%s", protocol.scheme, err, killed(s), killed(other))
			}
		}
		t.Logf("%s: all %d spans of %d acknowledged requests were sent on", protocol.scheme, found, len(all))
		s.kill()
		other.kill()
	}
}
