package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	deletionMagic   = "kiseki deletion"
	deletionVersion = 1
	deletionSuffix  = ".del"
)

// The file of a deletion is there from the moment it holds until its traces
// are gone from the disk. It is two lines of text and then trace IDs:
//
//	kiseki deletion 1 crc32c 89abcdef
//	{"id":4,"requested":"2026-11-21T23:30:00Z",…,"traces":2,"segments":[3,7],"below":9}
//	16 bytes a trace, ascending
//
// The checksum is of everything after the first line.

var errDeletion = errors.New("deletion file is damaged")

// deletionRecord is a deletion in its file and in the audit log.
type deletionRecord struct {
	ID        uint64    `json:"id"`
	Requested time.Time `json:"requested"`
	Kind      string    `json:"kind"`
	What      string    `json:"what"`
	Who       string    `json:"who"`
	Traces    int       `json:"traces"`
	Spans     uint64    `json:"spans"`
	Segments  []uint64  `json:"segments,omitempty"` // of the file only, as the next
	Below     uint64    `json:"below,omitempty"`
}

func recordOf(d Deletion) deletionRecord {
	return deletionRecord{ID: d.ID, Requested: d.Requested, Kind: d.Kind, What: d.What, Who: d.Who, Traces: d.Traces, Spans: d.Spans}
}

func (r deletionRecord) deletion() Deletion {
	return Deletion{
		ID: r.ID, Requested: r.Requested, Kind: r.Kind, What: r.What, Who: r.Who, Traces: r.Traces, Spans: r.Spans, State: DeletionPending,
	}
}

func deletionName(id uint64) string { return fmt.Sprintf("%016d%s", id, deletionSuffix) }

func parseDeletionName(name string) (id uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, deletionSuffix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	return id, err == nil && deletionName(id) == name
}

func encodeDeletion(p *pendingDeletion) ([]byte, error) {
	r := recordOf(p.Deletion)
	r.Segments, r.Below = p.segments, p.below
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode deletion: %w", err)
	}
	body = append(append(body, '\n'), joinTraces(p.traces)...)
	return seal(deletionMagic, deletionVersion, body), nil
}

func decodeDeletion(b []byte) (*pendingDeletion, error) {
	body, err := unseal(deletionMagic, deletionVersion, b)
	if errors.Is(err, errVersion) {
		return nil, fmt.Errorf("read deletion: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDeletion, err)
	}
	text, ids, _ := bytes.Cut(body, []byte("\n"))
	var r deletionRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errDeletion, err)
	}
	traces, err := splitTraces(ids, r.Traces)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDeletion, err)
	}
	return &pendingDeletion{Deletion: r.deletion(), segments: r.Segments, below: r.Below, traces: traces}, nil
}

// splitTraces are the n trace IDs that ids has one after the other.
func splitTraces(ids []byte, n int) (out []telemetry.TraceID, err error) {
	var id telemetry.TraceID
	if len(ids)%len(id) != 0 || len(ids)/len(id) != n {
		return nil, fmt.Errorf("it has %d bytes of trace IDs for %d traces", len(ids), n)
	}
	for ; len(ids) > 0; ids = ids[len(id):] {
		copy(id[:], ids)
		out = append(out, id)
	}
	return out, nil
}

// joinTraces is the inverse of splitTraces.
func joinTraces(traces []telemetry.TraceID) (out []byte) {
	for _, id := range traces {
		out = append(out, id[:]...)
	}
	return out
}

// writeDeletion makes the file of a deletion.
func (s *Store) writeDeletion(p *pendingDeletion) error {
	err := writeDeletionFile(s.fs, s.dir, p)
	if err != nil {
		// Whether the deletion holds after a crash is uncertain then: its number
		// is not given to another one.
		s.nextDeletion++
		return errors.Join(err, removeIfThere(s.fs, filepath.Join(s.dir.deletions(), deletionName(p.ID))))
	}
	return nil
}

// writeDeletionFile makes the file of a deletion in the folder of a tenant,
// durably. After an error it may be there.
func writeDeletionFile(fsys vfs.FS, dir folder, p *pendingDeletion) error {
	b, err := encodeDeletion(p)
	if err != nil {
		return err
	}
	path := filepath.Join(dir.deletions(), deletionName(p.ID))
	temp := path + tempSuffix
	err = writeFile(fsys, temp, b)
	if err == nil {
		err = fsys.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("write deletion: %w", errors.Join(err, removeIfThere(fsys, temp)))
	}
	if err := fsys.SyncDir(dir.deletions()); err != nil {
		return fmt.Errorf("write deletion: %w", err)
	}
	return nil
}

// readDeletions reads the files of all deletions in the folder. A damaged one
// is passed to damaged.
func readDeletions(fsys vfs.FS, dir folder, damaged func(path string, err error) error) (out []*pendingDeletion, err error) {
	names, err := fsys.List(dir.deletions())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, ok := parseDeletionName(name); !ok {
			continue
		}
		path := filepath.Join(dir.deletions(), name)
		b, err := vfs.ReadFile(fsys, path)
		if errors.Is(err, fs.ErrNotExist) { // erased meanwhile, by a store whose folder is inspected
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read deletion: %w", err)
		}
		p, err := decodeDeletion(b)
		switch {
		case err == nil:
			out = append(out, p)
		case !errors.Is(err, errDeletion):
			return nil, fmt.Errorf("%s: %w", path, err)
		default:
			if err := damaged(path, err); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// deletedFrom are the traces that deletions have taken out of a segment.
func deletedFrom(pending []*pendingDeletion, segment uint64) map[telemetry.TraceID]struct{} {
	out := map[telemetry.TraceID]struct{}{}
	for _, p := range pending {
		for _, n := range p.segments {
			if n != segment {
				continue
			}
			for _, id := range p.traces {
				out[id] = struct{}{}
			}
		}
	}
	return out
}
