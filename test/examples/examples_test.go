package examples

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// town is a kiseki and the example services, all running.
type town struct {
	dir      string
	env      []string
	replacer *strings.Replacer // of the documented addresses by the real ones
}

func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func build(t *testing.T, folder, out string, packages ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build", "-o", out}, packages...)...)
	cmd.Dir = folder
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, text)
	}
}

// run starts a program that ends with the test, as by Ctrl-C.
func run(t *testing.T, program string, env []string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		err := cmd.Wait()
		if cmd.ProcessState.ExitCode() > 0 || t.Failed() {
			t.Errorf("%s: %v\n%s", filepath.Base(program), err, log.String())
		}
	})
}

func start(t *testing.T) town {
	t.Helper()
	dir := t.TempDir()
	build(t, "../..", dir+"/kiseki", "./cmd/kiseki")
	build(t, "../../examples/chi", dir+"/hello", ".")
	build(t, "../../examples/shop", dir+"/", "./orders", "./shipping")

	web, otlp, hello, orders := address(t), address(t), address(t), address(t)
	run(t, dir+"/kiseki", nil, "serve", "--data", filepath.Join(dir, "data"),
		"--http", web, "--otlp-http", otlp, "--otlp-grpc", "127.0.0.1:0")
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + otlp, "OTEL_BSP_SCHEDULE_DELAY=100"}
	run(t, dir+"/hello", append(env, "ADDRESS="+hello))
	run(t, dir+"/orders", append(env, "ADDRESS="+orders, "DATABASE="+filepath.Join(dir, "orders.db")))
	run(t, dir+"/shipping", append(env, "ORDERS=http://"+orders))
	return town{dir: dir,
		env: append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH")),
		replacer: strings.NewReplacer("kiseki query", "kiseki query --server http://"+web,
			"127.0.0.1:8080", hello, "127.0.0.1:8081", orders)}
}

// shell runs commands of the documentation until they succeed: services take
// a moment to start, and spans to arrive.
func (w town) shell(t *testing.T, commands string) string {
	t.Helper()
	var out []byte
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", w.replacer.Replace(commands))
		cmd.Env = w.env
		if out, err = cmd.CombinedOutput(); err == nil {
			return string(out)
		}
	}
	t.Fatalf("%v\n%s\n%s", err, commands, out)
	return ""
}

var testedBlock = regexp.MustCompile("(?ms)^```sh tested\n(.*?)^```")

// TestExamples runs the example services and, beside them, what
// docs/instrumentation.md and the examples' own pages say to run.
func TestExamples(t *testing.T) {
	w := start(t)
	for page, least := range map[string]int{
		"docs/instrumentation.md": 6, "examples/chi/README.md": 1, "examples/shop/README.md": 1,
	} {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		blocks := testedBlock.FindAllStringSubmatch(string(text), -1)
		if len(blocks) < least {
			t.Errorf("%s has %d blocks that are marked as tested", page, len(blocks))
		}
		for _, b := range blocks {
			w.shell(t, b[1])
		}
	}
	t.Run("the smallest service", func(t *testing.T) {
		w.waterfall(t, `{ resource.service.name = "hello" && name = "GET /hello/{name}" && status = error }`, `
			hello: GET /hello/{name}
			  hello: choose greeting
			  hello: check name
			`)
	})
	t.Run("an order through two services", func(t *testing.T) {
		w.waterfall(t, `{ name = "process orders.placed" } >> { name = "print label" }`, `
			orders: POST /orders
			  orders: read order
			  orders: keep order
			    orders: BEGIN
			    orders: INSERT orders
			    orders: send orders.placed
			      orders: INSERT messages
			      shipping: process orders.placed
			        shipping: GET /orders/{id}/address
			          orders: GET /orders/{id}/address
			            orders: SELECT orders
			        shipping: print label
			    orders: COMMIT
			`)
	})
	t.Run("a wrong order is no error of the service", func(t *testing.T) {
		w.shell(t, `test "$(curl --silent --output /dev/null --write-out '%{http_code}' --data '{}' http://127.0.0.1:8081/orders)" = 400`)
		w.shell(t, `kiseki query '{ name = "POST /orders" && span.http.response.status_code = 400 && status = unset }'`)
	})
}

// row is a span in the waterfall: a mark, its name indented, its bar.
var row = regexp.MustCompile(`^[*! ]{2}( *)(\S+: .*?)  +[▏▎▍▌▋▊▉█ ]+ +[0-9.]+[µmn]?s$`)

// waterfall compares the newest trace that a query finds, bars left out,
// once it is all there.
func (w town) waterfall(t *testing.T, query, want string) {
	t.Helper()
	want = strings.ReplaceAll(strings.Trim(want, "\n\t"), "\t", "") + "\n"
	var got string
	for end := time.Now().Add(30 * time.Second); got != want && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		got = ""
		out := w.shell(t, fmt.Sprintf("kiseki query '%s' --output waterfall --limit 1 2>/dev/null", query))
		for line := range strings.Lines(out) {
			if m := row.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
				got += m[1] + m[2] + "\n"
			}
		}
	}
	if got != want {
		t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
}
