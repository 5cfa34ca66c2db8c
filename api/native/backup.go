package native

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// maxBackupBody is room for any path.
const maxBackupBody = 64 << 10

// ErrBackupRunning is returned by Options.Backup where another backup writes
// to the same folder.
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

// Backup is a backup that has been made.
type Backup struct {
	Directory      string `json:"directory"`
	Name           string `json:"name"`
	SegmentCount   int    `json:"segmentCount"`
	SpanCount      uint64 `json:"spanCount"`
	Bytes          int64  `json:"bytes"`
	CopiedSegments int    `json:"copiedSegments"` // those that the folder did not have
	CopiedBytes    int64  `json:"copiedBytes"`
	PrunedFiles    int    `json:"prunedFiles"`
	// IncompleteReason says what is not in the backup, and why.
	IncompleteReason string `json:"incompleteReason,omitempty"`
}

// backup makes a backup. That it takes JSON only keeps pages of other origins
// from asking for one: their browsers would have to ask first.
func (a *api) backup(w http.ResponseWriter, r *http.Request) {
	q := &request{Request: r, header: w.Header()}
	unlimited(w)
	a.answer(w, q, a.serve(q, a.makeBackup, []string{http.MethodPost}))
}

func (a *api) makeBackup(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	if media, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return &problem{Status: http.StatusUnsupportedMediaType, Title: "Not JSON", Detail: "Send a JSON object with Content-Type application/json."}
	}
	var in BackupRequest
	d := json.NewDecoder(io.LimitReader(q.Body, maxBackupBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return &problem{Status: http.StatusBadRequest, Title: "Invalid body", Detail: "It is not a backup request: " + err.Error() + "."}
	}
	if a.Backup == nil {
		return &problem{Status: http.StatusForbidden, Title: "Backups are not set up", Detail: "Start the server with --backup-directory, the folder that backups may be written to."}
	}
	out, err := a.Backup(q.Context(), in)
	switch {
	case errors.Is(err, ErrBackupRunning):
		return &problem{Status: http.StatusConflict, Title: "Another backup is running", Detail: "Ask again when it is done."}
	case errors.Is(err, ErrBackupDirectory):
		return &problem{Status: http.StatusForbidden, Title: "Not a folder for backups", Detail: err.Error()}
	case err != nil && errors.Is(err, context.Canceled):
		return err
	case err != nil:
		a.Logger.Error("backup failed", "err", err)
		return &problem{Status: http.StatusInternalServerError, Title: "The backup failed", Detail: err.Error()}
	}
	q.body, err = json.Marshal(out)
	return err
}
