package native

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
)

// ErrBackupRunning is returned by Options.Backup while another one runs.
var ErrBackupRunning = errors.New("another backup is running")

// ErrBackupDirectory is returned by Options.Backup for a folder that is not
// below the one that the server's operator chose for backups.
var ErrBackupDirectory = errors.New("not a folder for backups")

// BackupRequest asks for a backup.
type BackupRequest struct {
	// Directory is on the server: the operator's folder for backups or one
	// below it; "" means the former, and what is relative is relative to it.
	Directory string `json:"directory"`
	Prune     bool   `json:"prune"` // delete the earlier backups of the folder
}

// The states of a backup.
const (
	BackupRunning = "running"
	BackupDone    = "done"
	BackupFailed  = "failed"
)

// Backup is a backup under way or ended.
type Backup struct {
	ID        uint64 `json:"id"` // counts from 1 when the server starts
	State     string `json:"state"`
	Started   uint64 `json:"startedTimeUnixNano,string"`
	Ended     uint64 `json:"endedTimeUnixNano,string,omitempty"` // 0 while it runs
	Directory string `json:"directory"`
	Name      string `json:"name,omitempty"` // of the backup in it, where done
	// What is to be in the backup; 0 until it is known.
	TotalSegments int   `json:"totalSegments"`
	TotalBytes    int64 `json:"totalBytes"`
	// What is in it by now: found in the folder or copied.
	SegmentCount   int    `json:"segmentCount"`
	SpanCount      uint64 `json:"spanCount"`
	Bytes          int64  `json:"bytes"`
	CopiedSegments int    `json:"copiedSegments"` // those that the folder did not have
	CopiedBytes    int64  `json:"copiedBytes"`
	PrunedFiles    int    `json:"prunedFiles"`
	// IncompleteReason says what is not in a backup that is done, and why.
	IncompleteReason string `json:"incompleteReason,omitempty"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
}

func (a *api) backups(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	if q.Method == http.MethodPost {
		return a.startBackup(q)
	}
	return q.encode(struct {
		Backups []Backup `json:"backups"`
	}{append([]Backup{}, a.Backups()...)})
}

func (a *api) startBackup(q *request) error {
	var in BackupRequest
	if err := readBody(q.Request, &in); err != nil {
		return err
	}
	if a.Backup == nil {
		return &problem{Status: http.StatusForbidden, Title: "Backups are not set up", Detail: "Start the server with --backup-directory, the folder that backups may be written to."}
	}
	b, err := a.Backup(in)
	switch {
	case errors.Is(err, ErrBackupRunning):
		return &problem{Status: http.StatusConflict, Title: "Another backup is running", Detail: "Ask again when it is done."}
	case errors.Is(err, ErrBackupDirectory):
		return &problem{Status: http.StatusForbidden, Title: "Not a folder for backups", Detail: err.Error()}
	case err != nil:
		return err
	}
	q.header.Set("Location", Prefix+"/backups/"+strconv.FormatUint(b.ID, 10))
	q.status = http.StatusAccepted
	return q.encode(b)
}

func (a *api) getBackup(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	id, err := strconv.ParseUint(q.PathValue("backupId"), 10, 64)
	if err != nil {
		return badParameter("backupId", "It is not the number of a backup.")
	}
	all := a.Backups()
	i := slices.IndexFunc(all, func(b Backup) bool { return b.ID == id })
	if i < 0 {
		return &problem{Status: http.StatusNotFound, Title: "No such backup", Detail: "The latest since the server started are listed in " + Prefix + "/backups."}
	}
	return q.encode(all[i])
}

// encode makes v the body of the answer.
func (q *request) encode(v any) (err error) {
	q.body, err = json.Marshal(v)
	return err
}
