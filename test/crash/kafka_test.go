package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// kafkaJars is where the parts of a broker are kept, by its version.
const kafkaJars = "../../.cache/kafka/4.1.0"

// kafkaSettings are those of a broker that is a controller too: its two ports
// and its folder.
const kafkaSettings = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=%[3]s
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.partitions=3
`

// startKafka starts a broker of Apache Kafka and returns its address. The test
// is left out where Java, or what a broker is made of, cannot be had.
func startKafka(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("left out: there is no Java")
	}
	jars, err := filepath.Abs(kafkaJars)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(jars); err != nil {
		fetched := jars + ".part"
		out, err := exec.Command("mvn", "-q", "-B", "-f", "kafka/pom.xml", "dependency:copy-dependencies", "-DoutputDirectory="+fetched).CombinedOutput()
		if err != nil {
			t.Skipf("left out: Kafka cannot be fetched with Maven: %v\n%s", err, out)
		}
		if err := os.Rename(fetched, jars); err != nil {
			t.Fatal(err)
		}
	}
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		defer l.Close()
	}
	dir := t.TempDir()
	settings := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(settings, fmt.Appendf(nil, kafkaSettings, ports[0], ports[1], filepath.Join(dir, "data")), 0o600); err != nil {
		t.Fatal(err)
	}
	java := func(args ...string) *exec.Cmd {
		return exec.Command("java", append([]string{"-Xmx256m", "-cp", filepath.Join(jars, "*")}, args...)...)
	}
	if out, err := java("kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", settings).CombinedOutput(); err != nil {
		t.Fatalf("format: %v\n%s", err, out)
	}
	broker := java("kafka.Kafka", settings)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		broker.Process.Kill()
		broker.Wait() // its error only says that it was killed
	})
	return fmt.Sprintf("127.0.0.1:%d", ports[0])
}

// TestKafka puts requests into a topic of a real broker while kiseki, which
// takes them from it, is killed again and again. In the end it has all of them.
func TestKafka(t *testing.T) {
	r, at := newRand(t), startKafka(t)
	bin, data := build(t), t.TempDir()
	client, err := kgo.NewClient(kgo.SeedBrokers(at), kgo.DefaultProduceTopic("otlp_spans"), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l := &loader{rand: rand.New(rand.NewPCG(r.Uint64(), 0)), padding: 100, send: func(ctx context.Context, request ptraceotlp.ExportRequest) error {
		body, err := request.MarshalProto()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return client.ProduceSync(ctx, &kgo.Record{Value: body}).FirstErr()
	}}
	if err := l.run(t.Context(), 20); err != nil { // the broker is up by then
		t.Fatal(err)
	}
	var producing sync.WaitGroup
	var failed error
	producing.Go(func() { failed = l.run(t.Context(), 1500) })
	for range 2 {
		s := start(t, bin, data, "--kafka-brokers", at)
		time.Sleep(time.Duration(300+r.IntN(1500)) * time.Millisecond)
		s.kill()
	}
	producing.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	s := start(t, bin, data, "--kafka-brokers", at)
	var found int
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if found, err = verify(t.Context(), s, l.acked); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v\nlog:\n%s", err, killed(s))
		}
	}
	t.Logf("all %d spans of %d messages were taken", found, len(l.acked))
}
