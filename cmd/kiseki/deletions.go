package main

import (
	"context"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage"
)

// deleteTraces and listDeletions are the store as the API wants it.
func (t *tenant) deleteTraces(ctx context.Context, req native.DeletionRequest) (native.Deletion, error) {
	d, err := t.store.Delete(ctx, storage.DeletionRequest(req))
	if err == nil {
		t.server.log.Info("traces deleted", "tenant", t.id, "deletion", d.ID, "kind", d.Kind, "who", d.Who, "traces", d.Traces, "spans", d.Spans)
	}
	return native.Deletion(d), err
}

func (t *tenant) listDeletions() (out []native.Deletion) {
	for _, d := range t.store.Deletions() {
		out = append(out, native.Deletion(d))
	}
	return out
}
