package main

import (
	"io/fs"
	"path/filepath"

	"github.com/kiseki-dev/kiseki/api/native"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/storage"
)

// status answers the API's question what this server is and what it holds of
// the tenant.
func (t *tenant) status() native.Status {
	_, otlpHTTP, otlpGRPC := t.server.endpoints()
	st := t.store.Stats()
	out := native.Status{
		Version:      versionString(),
		StartTime:    uint64(t.server.started.UnixNano()),
		DiskBytes:    t.diskBytes(),
		SegmentCount: st.Segments,
		Storage: native.Storage{
			HeadSpanCount: uint64(st.HeadSpans), HeadBytes: st.HeadBytes,
			SegmentSpanCount: st.SegmentSpans, SegmentBytes: st.SegmentBytes,
			PendingSegmentCount: st.Backlog, FlushFailing: st.FlushFailing,
		},
		Retention: t.retention(&st),
		Endpoints: native.Endpoints{OTLPHTTP: otlpHTTP, OTLPGRPC: otlpGRPC},
	}
	for _, l := range t.store.Lost() {
		out.Lost = append(out.Lost, native.Lost{File: l.File, Spans: l.Spans, MinSpanStart: l.MinStart, MaxSpanStart: l.MaxStart})
	}
	snapshot := t.store.Snapshot()
	defer snapshot.Release()
	for _, source := range snapshot.Sources() {
		earliest, latest := source.Bounds()
		if source.SpanCount() == 0 {
			continue
		}
		if out.SpanCount == 0 || earliest < out.MinSpanStart {
			out.MinSpanStart = earliest
		}
		out.MaxSpanStart = max(out.MaxSpanStart, latest)
		out.SpanCount += source.SpanCount()
	}
	return out
}

func (t *tenant) retention(st *storage.Stats) native.Retention {
	c := t.server.config.Retention
	out := native.Retention{
		Age: int64(c.Age), Bytes: c.Bytes,
		DeletedSpanCount: st.RetainedSpans, DeletedSegmentCount: st.RetainedSegments, EarlySegmentCount: st.EarlySegments,
	}
	for _, r := range c.Rules {
		out.Rules = append(out.Rules, native.RetentionRule{Match: r.Match, Age: int64(r.Age)})
	}
	if next, ok := t.store.NextExpiry(); ok {
		out.Next = &native.Expiry{
			Due: next.Due, Whole: next.Whole, SpanCount: next.Spans, Bytes: next.Bytes, MinSpanStart: next.MinStart, MaxSpanStart: next.MaxStart,
		}
	}
	return out
}

// diskBytes is the size of the tenant's files. Those of other tenants are below
// the default one's folder.
func (t *tenant) diskBytes() uint64 {
	return folderBytes(filepath.Join(t.dir, tenantsFolder, names.Default))
}

// folderBytes is the size of all files below dir. Files that vanish meanwhile,
// as segments do, count nothing.
func folderBytes(dir string) (n uint64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			n += uint64(info.Size())
		}
		return nil
	})
	return n
}
