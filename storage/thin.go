package storage

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Retention by query deletes, from segments that are old enough, the traces
// whose rule says so. A segment is looked at once for each age that a rule
// names, and rewritten only if some of its traces go and others stay. What is
// old is told by its newest span, as for retention by age.
//
// A rule sees whole traces: also what other segments, of overlapping times,
// hold of a trace. Memory: the IDs of the traces that rules match there, about
// 50 bytes each.

// RetentionRule says how long traces are kept that it matches.
type RetentionRule struct {
	Text string        // of the query; what it matches follows from it
	Age  time.Duration // 0: unlimited
	// Match calls f with the ID of every trace of the snapshot that has a span
	// satisfying the rule, or fails.
	Match func(ctx context.Context, snap scan.Snapshot, f func(telemetry.TraceID)) error
}

// thinning is what retention by query has done to a segment: nothing is in it
// that the rules with this sum delete up to this age.
type thinning struct {
	Rules uint32 `json:"rules"` // CRC-32C of the rules, as text
	Age   int64  `json:"age"`   // nanoseconds
}

// common is what holds for the spans of two segments; nil is nothing.
func (t *thinning) common(o *thinning) *thinning {
	if t == nil || o == nil || t.Rules != o.Rules {
		return nil
	}
	if o.Age < t.Age {
		return o
	}
	return t
}

// sum identifies the rules.
func (r Retention) sum() uint32 {
	text := fmt.Appendf(nil, "%d", r.Age)
	for _, rule := range r.Rules {
		text = fmt.Appendf(text, ", %q %d", rule.Text, rule.Age)
	}
	return crc32.Checksum(text, castagnoli)
}

// longest is the age at which every trace goes, whatever rule it has; 0 if
// there is none.
func (r Retention) longest() time.Duration {
	longest := r.Age
	for _, rule := range r.Rules {
		if rule.Age == 0 || longest == 0 {
			return 0
		}
		longest = max(longest, rule.Age)
	}
	return longest
}

// stage is the highest age of a rule that a segment of the given age has
// reached, or 0.
func (r Retention) stage(age time.Duration) (stage time.Duration) {
	if r.Age <= age {
		stage = r.Age
	}
	for _, rule := range r.Rules {
		if rule.Age <= age {
			stage = max(stage, rule.Age)
		}
	}
	return stage
}

// thin applies retention by query to all segments that are due.
func (s *Store) thin(ctx context.Context) error {
	r := s.opts.Retention
	if len(r.Rules) == 0 {
		return nil
	}
	now, sum := unixNanos(s.opts.Clock()), r.sum()
	for _, e := range s.entries() {
		latest := newest(e)
		if latest > now {
			continue
		}
		stage := r.stage(time.Duration(min(now-latest, 1<<62)))
		if stage == 0 || e.Thinned != nil && e.Thinned.Rules == sum && e.Thinned.Age >= int64(stage) {
			continue
		}
		err := s.thinSegment(ctx, e, stage, &thinning{Rules: sum, Age: int64(stage)})
		if err != nil && !errors.Is(err, errSuperseded) {
			return fmt.Errorf("apply retention rules: %w", err)
		}
	}
	return nil
}

// entries is a copy of the manifest's list of segments.
func (s *Store) entries() []segmentEntry {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	return slices.Clone(s.manifest.Segments)
}

// thinSegment deletes the traces of a segment whose rule has an age of at most
// stage.
func (s *Store) thinSegment(ctx context.Context, e segmentEntry, stage time.Duration, done *thinning) error {
	if err := s.roomFor([]compactable{{segmentEntry: e}}); err != nil {
		return err
	}
	ruleOf, err := s.rulesOf(ctx, e)
	if err != nil {
		return err
	}
	rules := s.opts.Retention.Rules
	keep := func(_ uint64, id telemetry.TraceID) bool {
		age := s.opts.Retention.Age
		if rule, ok := ruleOf[id]; ok {
			age = rules[rule].Age
		}
		return age == 0 || age > stage
	}
	res, err := s.rewrite(ctx, rewriteJob{reason: rewriteRetention, inputs: []uint64{e.Number}, keep: keep, level: e.Level, thinned: done})
	if err != nil || !res.unchanged {
		return err
	}
	return s.markThinned(e.Number, done)
}

// rulesOf finds the first rule that matches each trace in the time of a
// segment; those without a rule are left out.
func (s *Store) rulesOf(ctx context.Context, e segmentEntry) (map[telemetry.TraceID]int, error) {
	snap := s.snapshotOf(func(o segmentEntry) bool { return o.MinStart <= e.MaxStart && e.MinStart <= o.MaxStart })
	defer snap.Release()
	out := map[telemetry.TraceID]int{}
	for i, rule := range s.opts.Retention.Rules {
		err := rule.Match(ctx, snap, func(id telemetry.TraceID) {
			if _, known := out[id]; !known {
				out[id] = i
			}
		})
		if err != nil {
			return nil, fmt.Errorf("match %s: %w", rule.Text, err)
		}
	}
	return out, nil
}

// snapshotOf is a snapshot of some of the segments alone.
func (s *Store) snapshotOf(wanted func(segmentEntry) bool) *snapshot {
	out := &snapshot{s: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range s.mu.segments {
		if wanted(ref.entry) {
			ref.refs.Add(1)
			out.refs = append(out.refs, ref)
			out.sources = append(out.sources, ref.reader)
		}
	}
	return out
}

// markThinned notes in the manifest that nothing had to go.
func (s *Store) markThinned(number uint64, done *thinning) error {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	next := s.manifest
	next.Segments = slices.Clone(next.Segments)
	for i := range next.Segments {
		if next.Segments[i].Number == number {
			next.Segments[i].Thinned = done
		}
	}
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		return err
	}
	s.manifest = next
	return nil
}
