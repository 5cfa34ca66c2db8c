package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/internal/machine"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/pipeline"
)

// What counts counts, by receiver (protocol/transport) or by reason.
const (
	countRequests     = "requests"
	countRefused      = "refused"
	countSpans        = "spans"
	countBytes        = "bytes"
	countDecompressed = "decompressed"
	countDrop         = "drop"
)

// refusals are the outcomes of requests that brought nothing; each is the
// reason of a drop too.
var refusals = []string{
	ingest.OutcomeMalformed, ingest.OutcomeUnsupported, ingest.OutcomeTooLarge, ingest.OutcomeOverloaded,
	ingest.OutcomeUnavailable, ingest.OutcomeFailed, ingest.OutcomeCanceled,
}

// partDrops are the reasons to drop or change what a request that is taken
// brought, in the order in which they are told.
var partDrops = []string{
	"invalid_span", "too_many_attributes", "attribute_key_too_long", "too_many_events", "too_many_links", "invalid_link",
	"value_too_long", "name_too_long", "invalid_utf8",
}

// counts are the counters of /metrics that the status page shows.
func (m *metrics) counts(p pipeline.Stats) map[countKey]uint64 {
	out := map[countKey]uint64{
		{countDrop, "too_many_attributes"}: p.DroppedAttrs, {countDrop, "attribute_key_too_long"}: p.DroppedKeys,
		{countDrop, "too_many_events"}: p.DroppedEvents, {countDrop, "too_many_links"}: p.DroppedLinks,
		{countDrop, "value_too_long"}: p.TruncatedValues, {countDrop, "name_too_long"}: p.TruncatedNames,
	}
	each(m.requests, func(labels map[string]string, n uint64) {
		by := receiverOf(labels)
		out[countKey{countRequests, by}] += n
		if o := labels["outcome"]; slices.Contains(refusals, o) {
			out[countKey{countRefused, by}] += n
			out[countKey{countDrop, o}] += n
		}
	})
	for what, c := range map[string]*prometheus.CounterVec{countSpans: m.accepted, countBytes: m.bytes, countDecompressed: m.decodedBytes} {
		each(c, func(labels map[string]string, n uint64) { out[countKey{what, receiverOf(labels)}] += n })
	}
	for reason, c := range map[string]*prometheus.CounterVec{"invalid_span": m.rejected, "invalid_link": m.droppedLinks, "invalid_utf8": m.repaired} {
		each(c, func(_ map[string]string, n uint64) { out[countKey{countDrop, reason}] += n })
	}
	return out
}

func receiverOf(labels map[string]string) string {
	return labels["protocol"] + "/" + labels["transport"]
}

// each calls f with the counters of a vector.
func each(c prometheus.Collector, f func(labels map[string]string, n uint64)) {
	ch := make(chan prometheus.Metric)
	go func() {
		c.Collect(ch)
		close(ch)
	}()
	for m := range ch {
		var d dto.Metric
		if m.Write(&d) != nil {
			continue // a counter of ours always writes
		}
		labels := map[string]string{}
		for _, l := range d.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		f(labels, uint64(d.GetCounter().GetValue()))
	}
}

// serverFunc answers /server, for those who may know.
func (t *tenant) serverFunc() func() native.Server {
	if t.id != names.Default {
		return nil
	}
	return t.server.status
}

// settingsFunc answers /settings likewise.
func (t *tenant) settingsFunc() func() native.Settings {
	if t.id != names.Default {
		return nil
	}
	return func() native.Settings { return settings(t.server.config) }
}

// status is what the whole process does.
func (s *server) status() native.Server {
	counts, hour := s.metrics.counts(s.pipeline.Stats()), s.history.show()
	out := native.Server{
		HistoryStep: uint64(historyStep), HistoryEnd: uint64(hour.end.UnixNano()),
		Receivers: receivers(counts, hour), Listeners: append(s.told(), s.toldKafka()), Destinations: s.tenants.destinations(), Drops: drops(counts, hour),
		Memory: native.Memory{Resident: machine.Resident(), Limit: s.config.Limits.Memory, ResidentHistory: hour.resident},
	}
	for _, t := range s.tenants.all() {
		st := t.store.Stats()
		out.TenantCount++
		out.SegmentSpanCount += st.SegmentSpans
		out.SegmentBytes += st.SegmentBytes
		out.Memory.Head += st.HeadBytes
		out.Memory.Cache = st.CacheBytes // that of all
		if d, err := t.store.Disk(); err == nil && t.id == names.Default {
			dir, err := filepath.Abs(t.dir)
			if err != nil {
				dir = t.dir
			}
			out.Disk = &native.Disk{Directory: dir, Size: d.Size, Free: d.Free, Reserved: d.Reserved, Watermark: s.config.Retention.DiskWatermark}
		}
	}
	return out
}

// receivers are those that any request came to.
func receivers(counts map[countKey]uint64, hour past) []native.Receiver {
	out := []native.Receiver{}
	for c, n := range counts {
		if c.what != countRequests {
			continue
		}
		protocol, transport, _ := strings.Cut(c.of, "/")
		of := func(what string) countKey { return countKey{what, c.of} }
		out = append(out, native.Receiver{
			Protocol: protocol, Transport: transport,
			RequestCount: n, RefusedRequestCount: counts[of(countRefused)], SpanCount: counts[of(countSpans)],
			Bytes: counts[of(countBytes)], DecompressedBytes: counts[of(countDecompressed)],
			SpanHistory: hour.grown[of(countSpans)], ByteHistory: hour.grown[of(countBytes)], RequestHistory: hour.grown[of(countRequests)],
		})
	}
	slices.SortFunc(out, func(a, b native.Receiver) int { return strings.Compare(a.Protocol+a.Transport, b.Protocol+b.Transport) })
	return out
}

func drops(counts map[countKey]uint64, hour past) (out []native.Drop) {
	for _, reason := range slices.Concat(refusals, partDrops) {
		c := countKey{countDrop, reason}
		out = append(out, native.Drop{Reason: reason, Count: counts[c], History: hour.grown[c]})
	}
	return out
}

// settings are those in force.
func settings(c *config.Config) native.Settings {
	def := config.Default()
	usual := def.Settings()
	out := native.Settings{File: c.File()}
	for i, s := range c.Settings() {
		out.Settings = append(out.Settings, native.Setting{
			Group: s.Group, Key: s.Key, Value: s.Shown(), Default: usual[i].Value(), Source: string(c.Source(s.Key)),
		})
	}
	return out
}
