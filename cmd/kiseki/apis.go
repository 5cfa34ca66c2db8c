package main

import (
	"net/http"

	"github.com/kiseki-dev/kiseki/api/jaeger"
	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/api/tempo"
	"github.com/kiseki-dev/kiseki/api/zipkin"
)

// apis are all HTTP APIs of a tenant; those that gRPC has too are registered
// with its server. A path that belongs to none is the native API's to refuse.
func (t *tenant) apis() http.Handler {
	mux, log, limits := http.NewServeMux(), t.server.log, queryLimits(t.server.config.Limits)
	mux.Handle("/", native.New(native.Options{
		Store: t.store, Status: t.status, Server: t.serverFunc(), Settings: t.settingsFunc(), Logger: log, Limits: limits, Arrivals: t.arrivals,
		Queries: func() []querylog.Entry { return t.server.queryLog.Latest(t.id) },
		Backup:  t.backupFunc(), Backups: t.backups.all, Delete: t.deleteTraces, Deletions: t.listDeletions,
	}))
	z := zipkin.New(zipkin.Options{Store: t.store, Logger: log, Limits: limits})
	for _, path := range zipkin.Paths() {
		mux.Handle(path, z)
	}
	tp := tempo.New(tempo.Options{Store: t.store, Version: versionString(), Logger: log, Limits: limits})
	tp.Register(t.rpc)
	for _, path := range tempo.Paths() {
		mux.Handle(path, tp)
	}
	j := jaeger.New(jaeger.Options{Store: t.store, Logger: log, Limits: limits})
	j.Register(t.rpc)
	for _, path := range jaeger.Paths() {
		if path != tempo.SharedPath {
			mux.Handle(path, j)
		}
	}
	mux.Handle(tempo.SharedPath, bySharedPath(tp, j))
	return mux
}

// bySharedPath tells requests of the path that Tempo and Jaeger have in common
// apart: Tempo's clients ask for protobuf, which Jaeger has none of there.
func bySharedPath(t *tempo.API, j *jaeger.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tempo.WantsProtobuf(r) {
			t.ServeHTTP(w, r)
			return
		}
		j.ServeHTTP(w, r)
	})
}
