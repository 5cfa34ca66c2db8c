package main

import (
	"net/http"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/tempo"
	"github.com/kiseki-dev/kiseki/api/zipkin"
)

// apis are all HTTP APIs; those that gRPC has too are registered with it. A
// path that belongs to none is the native API's to refuse.
func (s *server) apis() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", native.New(native.Options{
		Store: s.store, Status: s.status, Logger: s.log,
		Backup: s.backupFunc(), Backups: s.backups.all, Delete: s.deleteTraces, Deletions: s.listDeletions,
	}))
	z := zipkin.New(zipkin.Options{Store: s.store, Logger: s.log})
	for _, path := range zipkin.Paths() {
		mux.Handle(path, z)
	}
	t := tempo.New(tempo.Options{Store: s.store, Version: versionString(), Logger: s.log})
	t.Register(s.rpc)
	for _, path := range append(tempo.Paths(), tempo.SharedPath) {
		mux.Handle(path, t)
	}
	return mux
}
