package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a kiseki running as a child process.
type server struct {
	cmd                      *exec.Cmd
	http, otlpHTTP, otlpGRPC string // host:port
	log                      *bytes.Buffer
	exited                   chan struct{} // closed when the process has ended
	ready                    time.Duration // from exec to the first 200 of /readyz
}

// startServer runs the binary on a data folder and waits until it is ready.
// The process ends with ctx.
func startServer(ctx context.Context, binary, dir string, args ...string) (*server, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	s := &server{http: ports[0], otlpHTTP: ports[1], otlpGRPC: ports[2], log: new(bytes.Buffer), exited: make(chan struct{})}
	args = append([]string{"serve", "--data", dir, "--http", s.http, "--otlp-http", s.otlpHTTP, "--otlp-grpc", s.otlpGRPC}, args...)
	s.cmd = exec.CommandContext(ctx, binary, args...)
	s.cmd.Stderr = s.log
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start kiseki: %w", err)
	}
	go func() {
		// The exit status says nothing the log does not: the server is
		// killed on purpose too.
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.awaitReady(); err != nil {
		s.kill()
		return nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	s.ready = time.Since(begin)
	return s, nil
}

// freePorts are addresses nobody listens on now.
func freePorts(n int) (addresses []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		// All are held until the last is found, so that they differ.
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

func (s *server) awaitReady() error {
	client := &http.Client{Timeout: time.Second}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case <-s.exited:
			return errors.New("kiseki ended before it was ready")
		case <-time.After(2 * time.Millisecond):
		}
		resp, err := client.Get("http://" + s.http + "/readyz")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("kiseki was not ready within a minute")
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// kill ends the process at once, as a crash would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // an error means that it has ended already
	<-s.exited
}

// stop lets the server drain and end.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop kiseki: %w", err)
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(time.Minute):
		s.kill()
		return errors.New("kiseki did not stop within a minute")
	}
}

// metric is the sum of a metric's series in /metrics.
func (s *server) metric(name string) (float64, error) {
	resp, err := http.Get("http://" + s.http + "/metrics")
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	return parseMetric(string(text), name)
}

// parseMetric sums the series of a metric in the Prometheus text format.
func parseMetric(text, name string) (sum float64, err error) {
	found := false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("parse metric %s: %w", name, err)
		}
		sum += v
		found = true
	}
	if !found {
		return 0, fmt.Errorf("no metric %s", name)
	}
	return sum, nil
}

// serverStatus is what the server says of what it holds.
type serverStatus struct {
	SpanCount int    `json:"spanCount"`
	Oldest    string `json:"minSpanStartUnixNano"`
}

func (s *server) status() (status serverStatus, err error) {
	resp, err := http.Get("http://" + s.http + apiRoot + "/status")
	if err != nil {
		return status, fmt.Errorf("read status: %w", err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return status, fmt.Errorf("read status: %w", err)
	}
	return status, nil
}

// spanCount is the number of spans the server says it holds.
func (s *server) spanCount() (int, error) {
	status, err := s.status()
	return status.SpanCount, err
}

// flushAge is how the benchmark makes the server write its last spans to a
// segment: long enough not to interfere with the load, which fills the head
// many times in it, short enough to wait for.
const flushAge = 10 * time.Second

// awaitFlush waits until every span is in a segment.
func (s *server) awaitFlush() error {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		n, err := s.metric(headSpansMetric)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("spans were not flushed within five minutes")
}

// headSpansMetric counts the spans that are not yet in a segment.
const headSpansMetric = "kiseki_head_spans"

// idleMemory is the resident size of the server when it has had nothing to do
// for long enough that it has given back what it does not need.
func (s *server) idleMemory() (int64, error) {
	time.Sleep(25 * time.Second)
	return memory(s.pid(), residentNow)
}

// temporaryFolder is a data folder and what removes it.
func temporaryFolder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "kiseki-bench-")
	return dir, func() { os.RemoveAll(dir) }, err
}
