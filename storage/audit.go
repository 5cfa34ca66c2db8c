package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// The audit log is what is remembered of deletions for ever: a line of JSON
// when one takes effect and another when its traces are gone from the disk.
// Lines are only ever added, and synced. It holds nothing of what was deleted.
//
//	{"time":"…","event":"deleted","id":4,…,"traces":2,"spans":31}
//	{"time":"…","event":"erased","id":4}
//
// A line may be there twice, after a crash or a failed write; it says the same.

const auditName = "audit.log"

// The events of an audit log.
const (
	auditDeleted = "deleted"
	auditErased  = "erased"
)

// auditLine is one line. Of an erasure only the ID of the record is set.
type auditLine struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	deletionRecord
}

// MarshalJSON leaves out what is known from the line of the deletion.
func (l auditLine) MarshalJSON() ([]byte, error) {
	type short struct {
		Time  time.Time `json:"time"`
		Event string    `json:"event"`
		ID    uint64    `json:"id"`
	}
	if l.Event == auditErased {
		return json.Marshal(short{l.Time, l.Event, l.ID})
	}
	type whole auditLine
	return json.Marshal(whole(l))
}

// appendAudit adds a line durably.
func (s *Store) appendAudit(l auditLine) (err error) {
	defer func() {
		if err != nil {
			s.auditTorn = true
			err = fmt.Errorf("write audit log: %w", err)
		}
	}()
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if s.auditTorn { // the last line may lack its end
		line = append([]byte("\n"), line...)
	}
	f, err := s.fs.Append(s.dir.audit())
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.fs.SyncDir(filepath.Dir(s.dir.audit())); err != nil {
		return err
	}
	s.auditTorn = false
	return nil
}

// readAudit reads the deletions that the audit log knows, by number, and
// whether its last line lacks its end. A line that does not read is left out.
func readAudit(fsys vfs.FS, dir folder) (known map[uint64]*Deletion, torn bool, err error) {
	known = map[uint64]*Deletion{}
	b, err := vfs.ReadFile(fsys, dir.audit())
	if errors.Is(err, fs.ErrNotExist) {
		return known, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read audit log: %w", err)
	}
	for line := range bytes.Lines(b) {
		var l auditLine
		if json.Unmarshal(line, &l) != nil {
			continue
		}
		switch d := known[l.ID]; {
		case l.Event == auditDeleted && d == nil:
			d := l.deletion()
			known[l.ID] = &d
		case l.Event == auditErased && d != nil:
			d.State, d.Erased = DeletionErased, l.Time
		}
	}
	return known, len(b) > 0 && b[len(b)-1] != '\n', nil
}
