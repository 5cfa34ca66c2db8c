package instrument

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// applicationEnv tells the test binary to be the application.
const applicationEnv = "KISEKI_TEST_APPLICATION"

// spansPerTrace is how many spans "make" puts into a trace.
const spansPerTrace = 100

// application is a program that uses the library as any would. It reads
// commands, one a line, and answers each with a line:
//
//	make N    makes N traces; their IDs
//	stats     the counts of the delivery as JSON
//	stop      stops and exits; "stopped" or the error
func application() {
	ctx := context.Background()
	stop, err := instrument.Start(ctx, instrument.Options{Service: "application"})
	if err != nil {
		fmt.Println("start:", err)
		return
	}
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		var n int
		switch command := commands.Text(); {
		case command == "stats":
			s := instrument.DeliveryStats()
			s.LastError = nil // is no JSON
			json.NewEncoder(os.Stdout).Encode(s)
		case command == "stop":
			if err := stop(ctx); err != nil {
				fmt.Println("stop:", err)
				return
			}
			fmt.Println("stopped")
			return
		default:
			fmt.Sscanf(command, "make %d", &n)
			fmt.Println(strings.Join(makeTraces(ctx, n), " "))
		}
	}
}

func makeTraces(ctx context.Context, n int) []string {
	var ids []string
	for range n {
		ctx, root := otel.Tracer("application").Start(ctx, "GET /")
		for i := range spansPerTrace - 1 {
			_ = instrument.Do(ctx, fmt.Sprintf("part %d", i), func(context.Context) error { return nil })
		}
		root.End()
		ids = append(ids, trace.SpanContextFromContext(ctx).TraceID().String())
	}
	return ids
}

// process is an application that runs.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Writer
	lines *bufio.Scanner
}

func startApplication(t *testing.T, k *kiseki, queue string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), applicationEnv+"=1",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+k.otlp, "OTEL_BSP_SCHEDULE_DELAY=20", "KISEKI_QUEUE_DIR="+queue)
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.lines = in, bufio.NewScanner(out)
	p.lines.Buffer(nil, 1<<20)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func (p *process) ask(command string) string {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, command+"\n"); err != nil {
		p.t.Fatal(err)
	}
	if !p.lines.Scan() {
		p.t.Fatalf("the application ended at %q", command)
	}
	return p.lines.Text()
}

// make makes n traces and returns their IDs.
func (p *process) make(n int) []string {
	p.t.Helper()
	return strings.Fields(p.ask(fmt.Sprintf("make %d", n)))
}

func (p *process) stats() instrument.Stats {
	p.t.Helper()
	var s instrument.Stats
	if err := json.Unmarshal([]byte(p.ask("stats")), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// until waits for the counts of the delivery to be as wanted.
func (p *process) until(what string, holds func(instrument.Stats) bool) instrument.Stats {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s := p.stats()
		if holds(s) {
			return s
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("still not after a minute: %s: %+v", what, s)
		}
	}
}

func (p *process) stop() {
	p.t.Helper()
	if answer := p.ask("stop"); answer != "stopped" {
		p.t.Error(answer)
	}
	p.cmd.Wait()
}

// kill sends SIGKILL.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}
