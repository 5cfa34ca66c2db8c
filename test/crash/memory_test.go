package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestMemoryLimit sends far more at a time than fits into limits.memory, over
// gRPC and HTTP. What does not fit is to be sent again later; the process stays
// within the limit and a little more, and what it acknowledged is there.
func TestMemoryLimit(t *testing.T) {
	const limit, slack = 256 << 20, 64 << 20
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("peak memory is read from /proc")
	}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	r, bin := newRand(t), build(t)
	s := start(t, bin, t.TempDir(), "--max-memory", strconv.Itoa(limit)+"B")
	var running sync.WaitGroup
	var refused atomic.Int64
	acked := make([][]sent, 20)
	for i := range acked {
		l := &loader{rand: rand.New(rand.NewPCG(r.Uint64(), r.Uint64())), padding: 6000, send: sendHTTP(s)}
		if i%4 != 0 {
			l.send = sendGRPC(t, s)
		}
		running.Go(func() {
			for range rounds {
				traces, request := l.large(6 << 20)
				for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
					err := l.send(t.Context(), request)
					if err == nil {
						acked[i] = append(acked[i], traces...)
						break
					}
					refused.Add(1)
					if !isBusy(err) {
						t.Error(err)
						return
					}
					if time.Since(began) > 2*time.Minute {
						t.Error("refused for two minutes: ", err)
						return
					}
				}
			}
		})
	}
	running.Wait()
	peak, err := peakMemory(s.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("peak %d MiB of %d, %d requests refused and sent again", peak>>20, limit>>20, refused.Load())
	if peak > limit+slack {
		t.Errorf("the peak is %d MiB beyond the limit", (peak-limit)>>20)
	}
	for _, traces := range acked {
		if _, err := verify(t.Context(), s, traces[:min(len(traces), 5)]); err != nil {
			t.Fatal(err)
		}
	}
}

// large is a request of about size bytes.
func (l *loader) large(size int) (traces []sent, _ ptraceotlp.ExportRequest) {
	all := ptrace.NewTraces()
	var sizer ptrace.ProtoMarshaler
	for n := 0; n < size; {
		trace, request := l.make()
		n += sizer.TracesSize(request.Traces())
		request.Traces().ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
		traces = append(traces, trace)
	}
	return traces, ptraceotlp.NewExportRequestFromTraces(all)
}

// isBusy reports whether an error asks to send again later.
func isBusy(err error) bool {
	if c := status.Code(err); c == codes.ResourceExhausted || c == codes.Unavailable {
		return true
	}
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		if strings.HasPrefix(err.Error(), strconv.Itoa(code)) {
			return true
		}
	}
	return false
}

// peakMemory is the most resident memory that a process has had.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d does not tell its peak", pid)
}
