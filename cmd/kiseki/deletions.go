package main

import (
	"context"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage"
)

// deleteTraces and listDeletions are the store as the API wants it.
func (s *server) deleteTraces(ctx context.Context, req native.DeletionRequest) (native.Deletion, error) {
	d, err := s.store.Delete(ctx, storage.DeletionRequest(req))
	if err == nil {
		s.log.Info("traces deleted", "deletion", d.ID, "kind", d.Kind, "who", d.Who, "traces", d.Traces, "spans", d.Spans)
	}
	return native.Deletion(d), err
}

func (s *server) listDeletions() (out []native.Deletion) {
	for _, d := range s.store.Deletions() {
		out = append(out, native.Deletion(d))
	}
	return out
}
