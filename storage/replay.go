package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// replay makes a generation of what the log holds. Its memory is that of the
// head: the log, which is a fourth as large, is read record by record.
func (s *Store) replay() (g *generation, err error) {
	files, err := readLogs(s.fs, s.dir, s.manifest.LogFrom)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeLogs(files)) }()
	for _, f := range files {
		if err := s.report(f); err != nil {
			return nil, err
		}
	}
	lost, err := s.loseLogs(files)
	if err != nil {
		return nil, err
	}
	g = &generation{head: newHead(s.opts.Shards)}
	if err := s.replayRecords(g.head, files); err != nil {
		return nil, err
	}
	if g.head.spans() > 0 {
		g.oldest.Store(s.opts.Clock().UnixNano())
	}
	if lost {
		if err := writeManifest(s.fs, s.dir, s.manifest); err != nil {
			return nil, err
		}
		s.showLost()
	}
	return g, s.followLogs(g, files)
}

// followLogs gives g a log that comes after the files and has those of their
// records that would not last otherwise.
func (s *Store) followLogs(g *generation, files []*wal.File) (err error) {
	var last wal.Position
	var rest []wal.Record
	s.nextLog = max(1, s.manifest.LogFrom)
	for _, f := range files {
		s.nextLog = f.Seq + 1
		if f.End > 0 {
			last = wal.Position{Seq: f.Seq, End: f.End}
		}
		rest = append(rest, f.Rest...)
	}
	if g.log, err = s.newLog(); err != nil {
		return err
	}
	g.log.Begin(last)
	if len(rest) == 0 {
		return nil
	}
	return g.log.Copy(rest)
}

// readLogs opens the log files from the given sequence on, in order, for the
// caller to close. A file that is deleted meanwhile, by a store that has
// flushed it, is left out.
func readLogs(fsys vfs.FS, dir folder, from uint64) ([]*wal.File, error) {
	names, err := fsys.List(dir.wal())
	if err != nil {
		return nil, err
	}
	var files []*wal.File
	for _, name := range names {
		seq, ok := wal.ParseName(name)
		if !ok || seq < from {
			continue
		}
		f, err := wal.Read(fsys, dir.wal(), seq)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, closeLogs(files))
		}
		files = append(files, f)
	}
	wal.Void(files)
	return files, nil
}

func closeLogs(files []*wal.File) (err error) {
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// report logs what is wrong with a log file and keeps a copy of a damaged one.
func (s *Store) report(f *wal.File) error {
	if f.Torn > 0 {
		s.opts.Logger.Info("unacknowledged end of log ignored", "path", f.Path, "bytes", f.Torn)
	}
	if len(f.Damage) == 0 {
		return nil
	}
	for _, d := range f.Damage {
		s.counts.damaged.Add(1)
		s.opts.Logger.Error("log is damaged, the records around are kept", "error", d)
	}
	return s.copyAside(f.Path)
}

// copyAside copies a damaged log file to the quarantine folder: the original
// goes when its intact records have been flushed.
func (s *Store) copyAside(path string) error {
	data, err := vfs.ReadFile(s.fs, path)
	if err != nil {
		return err
	}
	s.counts.quarantined.Add(1)
	if err := writeFile(s.fs, filepath.Join(s.dir.quarantine(), filepath.Base(path)), data); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	return s.fs.SyncDir(s.dir.quarantine())
}

// replayRecords puts the records of all files into h, on all processors, each
// of which holds one record at a time.
func (s *Store) replayRecords(h *head, files []*wal.File) error {
	records := make(chan *wal.Record)
	var wg sync.WaitGroup
	errs := make([]error, runtime.GOMAXPROCS(0))
	for i := range errs {
		wg.Go(func() {
			var d wal.Decoder
			var b telemetry.Batch
			for r := range records {
				if err := d.Read(r, &b); err != nil {
					errs[i] = errors.Join(errs[i], err)
					continue
				}
				h.append(&b)
			}
		})
	}
	for _, f := range files {
		for _, part := range [][]wal.Record{f.Records, f.Rest} {
			for i := range part {
				records <- &part[i]
			}
		}
	}
	close(records)
	wg.Wait()
	// Intact by its checksum and yet not a batch: a bug, or a file from
	// elsewhere. Going on would end in deleting it.
	return errors.Join(errs...)
}
