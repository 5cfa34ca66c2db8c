// Package ui serves the web pages, which are embedded in the binary.
//
// Goals: one binary holds everything; `go build` works without Node having run; the browser loads each file
// once. The pages are built by `npm run build` into dist, which is not checked in. Where dist is absent, the
// one page says how to build it: the embedding pattern matches dist and dist_missing.html alike, so that it
// always matches something.
//
// Files below /assets carry a hash of their content in their name and may be kept forever; everything else is
// revalidated. A path that names no file is a page of the application, which routes in the browser.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist*
var embedded embed.FS

const (
	index       = "index.html"
	placeholder = "dist_missing.html"
)

// Policy is the content security policy the pages are made for: nothing inline, nothing from elsewhere.
// Styles set through the DOM by scripts are not inline styles in its sense.
const Policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// file is one file ready to be sent. It is immutable.
type file struct {
	contentType string
	cache       string
	etag        string // weak: the same for the plain and the compressed body
	plain       []byte
	gzipped     []byte // nil where compression gains nothing
}

// Handler returns the handler of all pages and their files. It is to be mounted at "/": the pages name their
// files by absolute paths. Requests with methods other than GET and HEAD are refused.
func Handler() http.Handler {
	pages, err := fs.Sub(embedded, "dist")
	if err == nil {
		if _, err = fs.Stat(pages, index); err == nil {
			return newHandler(pages, index)
		}
	}
	return newHandler(embedded, placeholder)
}

type handler struct {
	files map[string]file
	page  file
}

// newHandler reads and compresses all files once; they are about a megabyte.
func newHandler(pages fs.FS, page string) http.Handler {
	h := handler{files: map[string]file{}}
	err := fs.WalkDir(pages, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(pages, name)
		if err != nil {
			return err
		}
		h.files["/"+name] = newFile(name, content)
		return nil
	})
	if err != nil {
		panic("ui: embedded files cannot be read: " + err.Error())
	}
	h.page = h.files["/"+page]
	return h
}

func newFile(name string, content []byte) file {
	sum := sha256.Sum256(content)
	f := file{
		contentType: mime.TypeByExtension(path.Ext(name)),
		cache:       "no-cache",
		etag:        `W/"` + hex.EncodeToString(sum[:8]) + `"`,
		plain:       content,
	}
	// The system's table may lack it or differ.
	if path.Ext(name) == ".woff2" {
		f.contentType = "font/woff2"
	}
	if strings.HasPrefix(name, "assets/") {
		f.cache = "public, max-age=31536000, immutable"
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		panic("ui: " + err.Error())
	}
	// Writes to a buffer do not fail.
	_, _ = w.Write(content)
	_ = w.Close()
	if packed.Len() < len(content)*9/10 {
		f.gzipped = packed.Bytes()
	}
	return f
}

// ServeHTTP sends the file that the path names, or the page.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are served here", http.StatusMethodNotAllowed)
		return
	}
	f, ok := h.files[r.URL.Path]
	switch {
	case ok:
	case path.Ext(r.URL.Path) != "" || strings.HasPrefix(r.URL.Path, "/api/"):
		http.NotFound(w, r)
		return
	default:
		f = h.page
	}
	f.send(w, r)
}

func (f file) send(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Cache-Control", f.cache)
	header.Set("Content-Security-Policy", Policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Vary", "Accept-Encoding")
	header.Set("ETag", f.etag)
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.gzipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		body = f.gzipped
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		// A reader that went away is not our failure.
		_, _ = w.Write(body)
	}
}

// acceptsGzip reports whether gzip is listed and not refused by a quality of zero.
func acceptsGzip(accept string) bool {
	for _, part := range strings.Split(accept, ",") {
		coding, parameter, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		text, given := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		quality, err := strconv.ParseFloat(text, 64)
		return !given || err == nil && quality > 0
	}
	return false
}
