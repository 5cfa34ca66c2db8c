package native_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
)

// deadlines remembers until when each piece of an answer may be written.
type deadlines struct {
	*httptest.ResponseRecorder
	read  time.Time
	write []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.read = t; return nil }

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = append(d.write, t)
	return nil
}

// TestExportTakesItsTime: an export may last for hours, but no piece of it
// longer than a minute: a client that stalls must not keep deleted files.
func TestExportTakesItsTime(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	w := &deadlines{ResponseRecorder: httptest.NewRecorder(), read: time.Now()}
	c.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, native.Prefix+"/export", nil))
	if !w.read.IsZero() || len(w.write) == 0 {
		t.Errorf("read deadline %v, write deadlines %v", w.read, w.write)
	}
	for _, at := range w.write {
		if left := time.Until(at); left < 50*time.Second || left > time.Minute {
			t.Errorf("%v are left to write", left)
		}
	}
}
