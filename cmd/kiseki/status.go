package main

import (
	"io/fs"
	"path/filepath"

	"github.com/kiseki-dev/kiseki/api/native"
)

// status answers the API's question what this server is and holds.
func (s *server) status() native.Status {
	_, otlpHTTP, otlpGRPC := s.endpoints()
	out := native.Status{
		Version:   versionString(),
		StartTime: uint64(s.started.UnixNano()),
		DiskBytes: folderBytes(s.config.Data),
		OTLPHTTP:  otlpHTTP,
		OTLPGRPC:  otlpGRPC,
	}
	out.SegmentCount = s.store.Stats().Segments
	for _, l := range s.store.Lost() {
		out.Lost = append(out.Lost, native.Lost{File: l.File, Spans: l.Spans, MinSpanStart: l.MinStart, MaxSpanStart: l.MaxStart})
	}
	snapshot := s.store.Snapshot()
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
