package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// errPowerCut is what all operations give after the simulated power cut.
var errPowerCut = errors.New("power cut")

// crashWorkloads are what is under way when the power fails: steps of
// crashSteps, one after the other, on one folder.
var crashWorkloads = []string{
	"append flush append append flush append reopen append flush",
	"old append flush old retain append flush append retain reopen",
	"large flush append append append reopen append flush large",
	"parallel flush parallel reopen parallel flush",
	"append flush append flush append flush compact append flush compact reopen append",
	"scatter flush scatter flush scatter compact reopen scatter flush compact",
	"append flush append delete append flush delete erase reopen",
	"scatter flush scatter delete flush compact delete erase append",
	"append append delete reopen append flush erase",
	"append flush backup append flush compact backup retain",
	"append flush backup append flush delete backup compact erase append backup reopen",
	"append flush append flush thin append flush reopen thin append",
	"scatter flush scatter flush thin delete compact scatter flush thin erase reopen",
	"append flush damage append salvage reopen append flush",
}

// crashSteps are what a store does. A new operation joins with a line here
// and its name in a workload.
var crashSteps = map[string]func(*crashRun){
	"append":   func(c *crashRun) { c.append(telemetrytest.Random(c.next(), 6)) },
	"large":    func(c *crashRun) { c.append(telemetrytest.Random(c.next(), 60)) },
	"old":      func(c *crashRun) { c.appendOld(telemetrytest.Random(c.next(), 6)) },
	"scatter":  func(c *crashRun) { c.scatter(telemetrytest.Random(7, 60)) },
	"parallel": (*crashRun).parallel,
	"flush":    func(c *crashRun) { _ = c.s.Flush(context.Background()) }, // fails after the cut, as all of these
	"retain":   func(c *crashRun) { _ = c.s.Flush(context.Background()) },
	"compact":  func(c *crashRun) { _, _ = c.s.rewrite(context.Background(), rewriteJob{inputs: numbers(c.s)}) },
	"delete":   (*crashRun).delete,
	"erase":    func(c *crashRun) { _ = c.s.Erase(context.Background()) },
	"backup":   (*crashRun).backup,
	"thin":     (*crashRun).thin,
	"damage":   (*crashRun).damage,
	"salvage":  (*crashRun).salvage,
	"reopen":   (*crashRun).reopen,
}

// crashRun is a workload under way, and what must and may be found when it
// ends here.
type crashRun struct {
	o   Options
	mem *vfs.Mem
	s   *Store // nil when it could not be opened again
	n   uint64 // batches so far
	cut func() bool

	must, may map[string]bool // spans as text
	traces    []telemetry.TraceID
	of        map[telemetry.TraceID][]string
	damaged   bool         // on purpose
	later     atomic.Int64 // how much the clock has moved, in nanoseconds

	// backedUp had been acknowledged, and gone deleted, before the last backup
	// that was made began.
	backedUp, gone, deleted map[string]bool
}

// crashRuleAge is after what time a trace whose rule it is may go.
const crashRuleAge = time.Hour

// crashRule deletes every other trace.
func crashRule(id telemetry.TraceID) bool { return id[0]%2 == 0 }

func (c *crashRun) rules() []RetentionRule {
	return []RetentionRule{{Text: "every other trace", Age: crashRuleAge, Match: func(_ context.Context, snap scan.Snapshot, f func(telemetry.TraceID)) error {
		for _, src := range snap.Sources() {
			err := eachTrace(src, func(id telemetry.TraceID) (bool, error) {
				if crashRule(id) {
					f(id)
				}
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}}}
}

// thin lets every other trace that there is come of age and applies retention
// by query.
func (c *crashRun) thin() {
	for id, spans := range c.of {
		for _, span := range spans {
			if crashRule(id) {
				delete(c.must, span)
			}
		}
	}
	c.later.Add(int64(2 * crashRuleAge))
	_ = c.s.thin(context.Background())
}

func (c *crashRun) backup() {
	must, gone := maps.Clone(c.must), maps.Clone(c.deleted)
	if _, err := c.s.Backup(context.Background(), "/backup", false, nil); err == nil {
		c.backedUp, c.gone = must, gone
	}
}

func (c *crashRun) next() uint64 { c.n++; return 1000 + c.n }

// note says that the spans of b are being appended, and returns what to do
// when they are acknowledged.
func (c *crashRun) note(b *telemetry.Batch) (acknowledged func()) {
	for i := range b.Spans {
		text := strings.Clone(telemetrytest.DumpSpan(b, i))
		c.may[text] = true
		id := b.Spans[i].TraceID
		if c.of[id] == nil {
			c.traces = append(c.traces, id)
		}
		c.of[id] = append(c.of[id], text)
	}
	return func() {
		for i := range b.Spans {
			c.must[strings.Clone(telemetrytest.DumpSpan(b, i))] = true
		}
	}
}

func (c *crashRun) append(b *telemetry.Batch) {
	acknowledged := c.note(b)
	if _, err := c.s.Append(context.Background(), b); err == nil {
		acknowledged()
	}
}

// appendOld appends spans that retention may take.
func (c *crashRun) appendOld(b *telemetry.Batch) {
	for i := range b.Spans {
		b.Spans[i].Start, b.Spans[i].End = 1, 2
	}
	c.note(b)
	_, _ = c.s.Append(context.Background(), b)
}

// scatter appends the next few spans of traces that come in many pieces.
func (c *crashRun) scatter(b *telemetry.Batch) {
	spans := b.Spans
	b.Spans = nil
	for i := int(c.next()) % 8; i < len(spans); i += 8 {
		b.Spans = append(b.Spans, spans[i])
	}
	c.append(b)
}

func (c *crashRun) parallel() {
	var wg sync.WaitGroup
	batches := make([]*telemetry.Batch, 4)
	done := make([]func(), len(batches))
	errs := make([]error, len(batches))
	for i := range batches {
		batches[i] = telemetrytest.Random(c.next(), 4)
		done[i] = c.note(batches[i])
	}
	for i, b := range batches {
		wg.Go(func() { _, errs[i] = c.s.Append(context.Background(), b) })
	}
	wg.Wait()
	for i, err := range errs {
		if err == nil {
			done[i]()
		}
	}
}

// delete deletes one trace: from the call on it may be gone, and after the
// answer it must be, for good.
func (c *crashRun) delete() {
	if len(c.traces) == 0 {
		return
	}
	id := c.traces[0]
	c.traces = c.traces[1:]
	for _, span := range c.of[id] {
		delete(c.must, span)
	}
	_, err := c.s.Delete(context.Background(), DeletionRequest{Traces: []telemetry.TraceID{id}, Kind: "traces"})
	if err == nil {
		for _, span := range c.of[id] {
			delete(c.may, span)
			c.deleted[span] = true
		}
	}
	delete(c.of, id)
}

// damage flips a bit that costs the first segment its operations and no span.
func (c *crashRun) damage() {
	if c.cut() || len(c.s.mu.segments) == 0 {
		return
	}
	ref := c.s.mu.segments[0]
	d, err := ref.reader.Describe()
	if err != nil {
		return
	}
	at := d.Bytes - d.FooterAndEnds - d.Keys - d.Operations + 16
	if err := c.mem.Corrupt(ref.path, int(at), 1); err != nil {
		panic(err)
	}
	c.damaged = true
}

func (c *crashRun) salvage() {
	c.s.mu.Lock()
	ref := c.s.mu.segments[0]
	c.s.mu.Unlock()
	_ = ref.reader.Verify(nil) // finds it
	_ = c.s.maintainOnce(context.Background())
}

func (c *crashRun) reopen() {
	_ = c.s.Close()
	c.s, _ = Open(c.o)
}

// runUntil does a workload on an empty folder with the power cut before the
// k-th operation, and returns how many operations there were.
func runUntil(workload string, k int64) (c *crashRun, operations int64) {
	c = &crashRun{mem: vfs.NewMem(0), must: map[string]bool{}, may: map[string]bool{}, of: map[telemetry.TraceID][]string{}, deleted: map[string]bool{}}
	fault := vfs.NewFault(c.mem, func(op vfs.Op) error {
		if op.N >= k {
			return &vfs.ShortWriteError{N: 5, Err: errPowerCut}
		}
		return nil
	})
	c.cut = func() bool { return fault.Ops() > k }
	c.o = options(fault)
	c.o.Retention.Age = 365 * 24 * time.Hour
	c.o.Retention.Rules = c.rules()
	c.o.Clock = func() time.Time { return now.Add(time.Duration(c.later.Load())) }
	if c.s, _ = Open(c.o); c.s == nil {
		return c, fault.Ops()
	}
	for step := range strings.FieldsSeq(workload) {
		if c.cut() || c.s == nil {
			break
		}
		crashSteps[step](c)
	}
	operations = fault.Ops()
	return c, operations
}

// TestCrashEverywhere cuts the power before the k-th file-system operation of
// every workload, for every k, and looks at what may be left of the disk: all
// that was not synced gone, or some of it, or garbage in its place. What was
// acknowledged must be there, once; what was not at most once.
func TestCrashEverywhere(t *testing.T) {
	step, seeds := int64(1), 3
	if testing.Short() {
		step, seeds = 7, 1
	}
	var points atomic.Int64
	t.Run("workloads", func(t *testing.T) {
		for i, workload := range crashWorkloads {
			t.Run(strings.ReplaceAll(workload, " ", "-"), func(t *testing.T) {
				t.Parallel()
				for k := int64(i) % step; ; k += step {
					c, operations := runUntil(workload, k)
					for seed := range uint64(seeds + 1) {
						var r *rand.Rand // of the first: nothing unsynced survives
						if seed > 0 {
							r = rand.New(rand.NewPCG(uint64(k), seed))
						}
						c.check(t, fmt.Sprintf("cut at %d, seed %d", k, seed), c.mem.CrashClone(r))
						if seed == 0 && c.backedUp != nil {
							c.checkBackup(t, fmt.Sprintf("cut at %d", k), c.mem.CrashClone(nil))
						}
						points.Add(1)
					}
					if c.s != nil {
						_ = c.s.Close()
					}
					if operations <= k {
						return
					}
				}
			})
		}
	})
	t.Logf("%d crash points", points.Load())
}

func (c *crashRun) check(t *testing.T, what string, mem *vfs.Mem) {
	t.Helper()
	o := options(mem)
	s, err := Open(o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer closeStore(t, s)
	if st := s.Stats(); st.Quarantined != 0 && !c.damaged || st.LostSpans != 0 {
		t.Fatalf("%s: damage was seen: %+v", what, st)
	}
	got := contents(t, s)
	has := map[string]bool{}
	for _, span := range got {
		if has[span] {
			t.Fatalf("%s: there twice:\n%s", what, span)
		}
		if !c.may[span] {
			t.Fatalf("%s: never appended, or deleted:\n%s", what, span)
		}
		has[span] = true
	}
	for span := range c.must {
		if !has[span] {
			t.Fatalf("%s: acknowledged and lost:\n%s", what, span)
		}
	}
	names, err := mem.List("/data/tenants/default/segments")
	if err != nil || len(names) != len(s.manifest.Segments) {
		t.Fatalf("%s: files %q are left for %d segments, %v", what, names, len(s.manifest.Segments), err)
	}
	flush(t, s)
	if again := contents(t, s); !slices.Equal(got, again) {
		t.Fatalf("%s: flush after recovery changed the spans", what)
	}
}

// checkBackup restores the newest backup: what was acknowledged before a
// backup began is in it, unless it was deleted later, what was deleted before
// is not, and nothing is there twice.
func (c *crashRun) checkBackup(t *testing.T, what string, mem *vfs.Mem) {
	t.Helper()
	if _, err := Restore(context.Background(), mem, "/backup", "", "/restored", nil); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	o := options(mem)
	o.Dir = "/restored"
	s, err := Open(o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer closeStore(t, s)
	has := map[string]bool{}
	for _, span := range contents(t, s) {
		if has[span] || c.gone[span] {
			t.Fatalf("%s: in the backup twice, or deleted before it began:\n%s", what, span)
		}
		has[span] = true
	}
	for span := range c.backedUp {
		if c.must[span] && !has[span] {
			t.Fatalf("%s: acknowledged and not in the backup:\n%s", what, span)
		}
	}
}
