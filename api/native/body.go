package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxBody bounds the body of a request: room for maxDeletionIDs and a longest
// query.
const maxBody = 256 << 10

// readBody reads the JSON object of a request that changes something. A page of
// another origin can not send one: browsers ask first before they send JSON,
// and are refused.
func readBody(r *http.Request, to any) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return &problem{Status: http.StatusForbidden, Title: "Cross-origin request", Detail: "Pages of other origins may only read."}
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &problem{Status: http.StatusUnsupportedMediaType, Title: "Not JSON", Detail: "The content type must be application/json."}
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return badParameter("body", "The body is not the JSON object that is wanted here: "+err.Error()+".")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badParameter("body", fmt.Sprintf("The body must be one JSON object of at most %d KiB.", maxBody>>10))
	}
	return nil
}
