package native_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// slowStore has blocks that are narrowed for as long as anybody wants.
type slowStore struct {
	scan.Store
	began, stopped chan bool
}

type slowSnapshot struct {
	scan.Snapshot
	sources []scan.Source
}

type slowSource struct {
	scan.Source
	blocks []scan.Block
}

type slowBlock struct {
	scan.Block
	store *slowStore
}

func (s *slowStore) Snapshot() scan.Snapshot {
	snap := &slowSnapshot{Snapshot: s.Store.Snapshot()}
	for _, src := range snap.Snapshot.Sources() {
		slow := &slowSource{Source: src}
		for _, b := range src.Blocks() {
			slow.blocks = append(slow.blocks, &slowBlock{b, s})
		}
		snap.sources = append(snap.sources, slow)
	}
	return snap
}

func (s *slowSnapshot) Sources() []scan.Source { return s.sources }
func (s *slowSource) Blocks() []scan.Block     { return s.blocks }

func (b *slowBlock) Narrow(all []scan.Predicate, _ *scan.Bitmap) error {
	select {
	case b.store.began <- true:
	default:
	}
	select {
	case <-all[0].Stop:
		b.store.stopped <- true
		return scan.ErrStopped
	case <-time.After(time.Minute):
		b.store.stopped <- false
		return nil
	}
}

// TestClientThatGoesAway: its query ends within the block that it reads.
func TestClientThatGoesAway(t *testing.T) {
	filter := url.QueryEscape(`{ name = "x" }`)
	for _, path := range []string{
		"/traces?q=" + filter, "/aggregate?by=nothing&q=" + filter, "/metrics/instant?start=0&q=" + filter + url.QueryEscape(" | rate()"),
		"/metrics/range?start=0&end=1795332684025673300&step=999999h&q=" + filter + url.QueryEscape(" | rate()"), "/analysis/heat-map?q=" + filter,
	} {
		t.Run(path, func(t *testing.T) {
			store := &slowStore{scantest.New(telemetrytest.Random(1, 20)), make(chan bool, 1), make(chan bool, 10)}
			h := native.New(native.Options{Store: store})
			ended := make(chan bool)
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				close(ended)
			}))
			defer web.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+native.Prefix+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				<-store.began
				cancel()
			}()
			if resp, err := web.Client().Do(r); err == nil {
				resp.Body.Close()
				t.Fatalf("answered %d before the client went", resp.StatusCode)
			}
			if !<-store.stopped {
				t.Error("the block was read to its end")
			}
			<-ended
		})
	}
}
