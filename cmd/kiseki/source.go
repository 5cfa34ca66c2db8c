package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/kiseki-dev/kiseki/api/native"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

// source is what a command asks: a running server, or a data folder that no
// server uses. Both are asked through the API.
type source struct{ server, tenant, data string }

// flags are the options that choose it.
func (s *source) flags(flags *flag.FlagSet) {
	flags.StringVar(&s.server, "server", defaultServer, "")
	flags.StringVar(&s.tenant, "tenant", "", "")
	flags.StringVar(&s.data, "data", "", "")
}

// use runs f with the source opened.
func (s *source) use(stderr io.Writer, f func(apiClient) error) (err error) {
	if s.data == "" {
		return f(apiClient{server: s.server, tenant: s.tenant})
	}
	dir, err := tenantFolder(s.data, s.tenant)
	if err != nil {
		return err
	}
	store, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	h := native.New(native.Options{Store: store, Logger: slog.New(slog.NewTextHandler(stderr, nil))})
	return f(apiClient{server: "http://" + folderHost, transport: inProcess{h}})
}

// tenantFolder is the part of a data folder, or of a folder of backups, that is
// a tenant's. "" is the default tenant.
func tenantFolder(dir, tenant string) (string, error) {
	if tenant == "" || tenant == names.Default {
		return dir, nil
	}
	if err := names.Check(tenant); err != nil {
		return "", err
	}
	return filepath.Join(dir, tenantsFolder, tenant), nil
}

// folderHost stands for a data folder in URLs; nobody resolves it.
const folderHost = "data.invalid"

// inProcess is a transport to a handler of this process.
type inProcess struct{ http.Handler }

// RoundTrip implements [http.RoundTripper].
func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorded{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprint(w.status, " ", http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// recorded is an answer of a handler of this process.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorded) Header() http.Header         { return w.header }
func (w *recorded) WriteHeader(status int)      { w.status = status }
func (w *recorded) Write(p []byte) (int, error) { return w.body.Write(p) }

// pointedOut is the error of a query that does not parse, with a mark below
// the character at fault.
func pointedOut(query string, err error) error {
	var e *traceql.Error
	if !errors.As(err, &e) {
		return err
	}
	at := min(max(e.Pos, 0), len(query))
	first := strings.LastIndexByte(query[:at], '\n') + 1
	line, _, _ := strings.Cut(query[first:], "\n")
	why := e.Message
	if e.Expected != "" {
		why += "; expected " + e.Expected
	}
	return fmt.Errorf("the query is not TraceQL: %s\n\n  %s\n  %s^", why, shown(line), strings.Repeat(" ", shownWidth(query[first:at])))
}
