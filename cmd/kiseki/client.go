package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/kiseki-dev/kiseki/api/native"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
)

// defaultServer is where kiseki serve listens unless told otherwise.
const defaultServer = "http://127.0.0.1:16686"

// maxAnswer is the largest answer of JSON read.
const maxAnswer = 256 << 20

// apiClient asks the native API.
type apiClient struct {
	server    string            // the URL of the running server
	tenant    string            // "": the default one
	transport http.RoundTripper // nil: HTTP
}

// apiError is a problem that the API answered with.
type apiError struct {
	Status        int
	Title, Detail string
}

// Error implements error.
func (e *apiError) Error() string {
	if e.Detail == "" {
		return e.Title
	}
	return e.Title + ": " + e.Detail
}

// ask sends in, unless it is nil, as JSON, and reads the answer into out.
func (c apiClient) ask(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // only read from
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(answer) > maxAnswer {
		return fmt.Errorf("the answer is larger than %d MiB; ask for less", maxAnswer>>20)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return c.stranger(resp)
	}
	return nil
}

// do is ask for answers of other kinds: it returns one that is no problem.
func (c apiClient) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.server, "/")+native.Prefix+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask server: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.tenant != "" {
		req.Header.Set(names.Header, c.tenant)
	}
	client := &http.Client{Transport: c.transport}
	if c.transport == nil {
		client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	}
	resp, err := client.Do(req)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("no answer from %s: %w; is \"kiseki serve\" running?", c.server, cause(err))
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close() // only read from
	p := apiError{Status: resp.StatusCode}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&p); err != nil || p.Title == "" {
		return nil, c.stranger(resp)
	}
	return nil, &p
}

func (c apiClient) stranger(resp *http.Response) error {
	return fmt.Errorf("%s answered %s and not as a kiseki does", c.server, resp.Status)
}
