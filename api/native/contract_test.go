package native_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// contract is openapi.yaml, read strictly: what it does not mention is not
// allowed. It notes what of it occurs.
type contract struct {
	doc    *openapi3.T
	router routers.Router
	seen   map[string]bool
	// names are where in the document a schema comes first.
	names map[*openapi3.Schema]string
}

func readContract(t testing.TB) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{doc: doc, router: router, seen: map[string]bool{}, names: map[*openapi3.Schema]string{}}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		c.name(name, doc.Components.Schemas[name].Value)
	}
	c.operations(func(_, _ string, op *openapi3.Operation) {
		for status, r := range op.Responses.Map() {
			for media, m := range r.Value.Content {
				if m.Schema != nil {
					c.name(op.OperationID+" "+status+" "+media, m.Schema.Value)
				}
			}
		}
	})
	return c
}

// name names s and the schemas in it, and forbids what they do not mention.
func (c *contract) name(name string, s *openapi3.Schema) {
	if _, known := c.names[s]; known {
		return
	}
	c.names[s] = name
	if no := false; len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil {
		s.AdditionalProperties.Has = &no
	}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		c.name(name+"."+key, s.Properties[key].Value)
	}
	for i, one := range s.OneOf {
		c.name(name+"|"+strconv.Itoa(i), one.Value)
	}
	for _, in := range []*openapi3.SchemaRef{s.Items, s.AdditionalProperties.Schema} {
		if in != nil {
			c.name(name+"[]", in.Value)
		}
	}
}

func (c *contract) operations(f func(path, method string, op *openapi3.Operation)) {
	for _, path := range slices.Sorted(maps.Keys(c.doc.Paths.Map())) {
		for method, op := range c.doc.Paths.Value(path).Operations() {
			f(path, method, op)
		}
	}
}

// check holds an exchange against the document.
func (c *contract) check(req *http.Request, w *httptest.ResponseRecorder) error {
	route, pathParams, err := c.router.FindRoute(req)
	if err != nil {
		return err
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: pathParams, Route: route}
	if w.Code < 300 {
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			return fmt.Errorf("the server takes what it refuses: %w", err)
		}
		for name := range req.URL.Query() {
			if route.Operation.Parameters.GetByInAndName("query", name) == nil {
				return fmt.Errorf("the server takes the parameter %s, which it does not mention", name)
			}
		}
	}
	id, status := route.Operation.OperationID, strconv.Itoa(w.Code)
	response := route.Operation.Responses.Value(status)
	if response == nil && w.Code == http.StatusInternalServerError {
		response, status = route.Operation.Responses.Default(), "default"
	}
	if response == nil {
		return fmt.Errorf("it does not mention the status")
	}
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	content := response.Value.Content[media]
	if content == nil {
		return fmt.Errorf("it does not mention the content type %q", media)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	out.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		return err
	}
	c.seen[id+" "+status+" "+media] = true
	for header := range response.Value.Headers {
		if w.Header().Get(header) != "" {
			c.seen[id+" "+status+" header "+header] = true
		}
	}
	if content.Schema == nil {
		return nil
	}
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		return err
	}
	c.note(content.Schema.Value, body)
	return nil
}

// note remembers which properties and words of s a value has.
func (c *contract) note(s *openapi3.Schema, value any) {
	for _, one := range s.OneOf {
		if one.Value.VisitJSON(value) == nil {
			c.note(one.Value, value)
		}
	}
	if text, ok := value.(string); ok && len(s.Enum) > 0 {
		c.seen[c.names[s]+" = "+text] = true
	}
	if list, ok := value.([]any); ok && s.Items != nil {
		for _, x := range list {
			c.note(s.Items.Value, x)
		}
	}
	object, _ := value.(map[string]any)
	for key, x := range object {
		if p := s.Properties[key]; p != nil {
			c.seen[c.names[s]+"."+key] = true
			c.note(p.Value, x)
		}
	}
}

// documented is all that could be seen, but for the statuses that stand for a
// bug.
func (c *contract) documented() (out []string) {
	c.operations(func(_, _ string, op *openapi3.Operation) {
		for status, r := range op.Responses.Map() {
			if status == "default" {
				continue
			}
			for media := range r.Value.Content {
				out = append(out, op.OperationID+" "+status+" "+media)
			}
			for header := range r.Value.Headers {
				out = append(out, op.OperationID+" "+status+" header "+header)
			}
		}
	})
	for s, name := range c.names {
		for key := range s.Properties {
			out = append(out, name+"."+key)
		}
		for _, word := range s.Enum {
			out = append(out, fmt.Sprintf("%s = %v", name, word))
		}
	}
	slices.Sort(out)
	return out
}

// exchanges are requests whose answers have all that openapi.yaml documents.
// SHOP is a store with the spans of [shop], ODD one of all kinds of spans,
// CALLS one of services that call each other,
// SMALL a shop that answers with at most one span of a trace, TORN one that
// cannot be read, BUSY one while a backup runs, GUEST one that is not told of the
// whole server, SHUT a server that is starting.
const exchanges = `
SHOP  GET  /traces                                                        200
SHOP  GET  /traces?limit=1                                                200
SHOP  GET  /traces?spans=2&q={}|by(kind)|select(.missing,span.http.route)             200
SHOP  GET  /traces?explain=true&q={status=error}                            200
SHOP  GET  /metrics/instant?explain=true&q={}|rate()                       200
SHOP  GET  /traces?spans=0                                                400
SHOP  GET  /traces?limit=0                                                400
SHUT  GET  /traces                                                        503
SHOP  GET  /traces/000000000000000000000000000000aa                       200
SMALL GET  /traces/000000000000000000000000000000aa                       200
SHOP  GET  /traces/000000000000000000000000000000aa?format=columns        200
SHOP  GET  /traces/000000000000000000000000000000bb?format=columns        200
SHOP  GET  /traces/000000000000000000000000000000ff                       404
SHOP  GET  /traces/x                                                      400
TORN  GET  /traces/000000000000000000000000000000aa                       500
SHUT  GET  /traces/000000000000000000000000000000aa                       503
SHOP  GET  /tail                                                          200
SHOP  GET  /tail?cursor=0-0                                               200
SHOP  GET  /tail?cursor=x                                                 400
SHUT  GET  /tail                                                          503
SHOP  GET  /services                                                      200
TORN  GET  /services                                                      200
SHOP  GET  /services?x                                                    400
SHUT  GET  /services                                                      503
ODD   GET  /operations                                                    200
SHOP  GET  /operations?service=a&service=b                                400
SHUT  GET  /operations                                                    503
SHOP  GET  /aggregate?by=nothing                                          200
ODD   GET  /aggregate?by=.http.route0                                     200
SHOP  GET  /aggregate?by=bogus                                            400
SHUT  GET  /aggregate                                                     503
SHOP  GET  /metrics/range?q={}|rate()by(kind)&start=1789999999000000000&end=1790086400000000000&exemplars=3             200
ODD   GET  /metrics/range?q={}|max_over_time(.x)by(.y)&start=1789999999000000000&end=1790086400000000000&step=24h       200
SHOP  GET  /metrics/range?q={}&start=1789999999000000000&end=1790086400000000000                                        400
SHUT  GET  /metrics/range?q={}|rate()                                     503
SHOP  GET  /metrics/instant?q={}|compare({status=error})&start=1789999999000000000&end=1790086400000000000              200
SHOP  GET  /metrics/instant?q={}|rate()&start=5&end=5                     400
SHUT  GET  /metrics/instant?q={}|rate()                                   503
SHOP  GET  /traces/000000000000000000000000000000aa/critical-path          200
SHOP  GET  /traces/000000000000000000000000000000ff/critical-path          404
SHOP  GET  /traces/x/critical-path                                         400
TORN  GET  /traces/000000000000000000000000000000aa/critical-path          500
SHUT  GET  /traces/000000000000000000000000000000aa/critical-path          503
SHOP  GET  /traces/000000000000000000000000000000aa/outline                    200
SHOP  GET  /traces/000000000000000000000000000000aa/outline?spans=1            200
SHOP  GET  /traces/000000000000000000000000000000bb/outline                    200
SHOP  GET  /traces/000000000000000000000000000000aa/outline?whole=9            200
SHOP  GET  /traces/000000000000000000000000000000aa/outline?below=0000000000000002  200
SHOP  GET  /traces/000000000000000000000000000000aa/outline?start=1790000000000000100&end=1790000000000000200  200
SHOP  GET  /traces/000000000000000000000000000000aa/outline?start=5&end=5   400
SHOP  GET  /traces/000000000000000000000000000000aa/outline?below=2            400
SHOP  GET  /traces/000000000000000000000000000000aa/outline?below=0000000000000009  404
SHOP  GET  /traces/000000000000000000000000000000ff/outline                    404
TORN  GET  /traces/000000000000000000000000000000aa/outline                    500
SHUT  GET  /traces/000000000000000000000000000000aa/outline                    503
SHOP  GET  /traces/000000000000000000000000000000aa/spans/0000000000000002     200
SHOP  GET  /traces/000000000000000000000000000000aa/spans/0000000000000009     404
SHOP  GET  /traces/000000000000000000000000000000aa/spans/2                    400
TORN  GET  /traces/000000000000000000000000000000aa/spans/0000000000000002     500
SHUT  GET  /traces/000000000000000000000000000000aa/spans/0000000000000002     503
SHOP  GET  /traces/000000000000000000000000000000aa/matches?text=Declined      200
SHOP  GET  /traces/000000000000000000000000000000aa/matches                    400
SHOP  GET  /traces/000000000000000000000000000000ff/matches?text=a             404
TORN  GET  /traces/000000000000000000000000000000aa/matches?text=a             500
SHUT  GET  /traces/000000000000000000000000000000aa/matches?text=a             503
CALLS GET  /analysis/service-graph                                        200
SHOP  GET  /analysis/service-graph?q=x                                    400
SHUT  GET  /analysis/service-graph                                        503
CALLS GET  /analysis/service-graph/changes?start=1790000000000000500      200
CALLS GET  /analysis/service-graph/changes?baseEnd=1790000000000000500    200
SHOP  GET  /analysis/service-graph/changes?baseStart=5&baseEnd=4          400
SHUT  GET  /analysis/service-graph/changes                                503
CALLS GET  /analysis/service-paths?service=shop                           200
SHOP  GET  /analysis/service-paths?end=x                                  400
SHUT  GET  /analysis/service-paths                                        503
ODD   GET  /analysis/critical-path                                        200
SHOP  GET  /analysis/critical-path?x                                      400
SHUT  GET  /analysis/critical-path                                        503
ODD   GET  /analysis/flame-graph                                          200
SHOP  GET  /analysis/flame-graph?x                                        400
SHUT  GET  /analysis/flame-graph                                          503
ODD   GET  /analysis/heat-map?columns=3                                   200
SHOP  GET  /analysis/heat-map?columns=0                                   400
SHUT  GET  /analysis/heat-map                                             503
ODD   GET  /analysis/top-values?by=.http.route0                           200
SHOP  GET  /analysis/top-values                                           400
SHOP  GET  /analysis/top-values?by=trace:id                               400
SHUT  GET  /analysis/top-values                                           503
CALLS GET  /analysis/comparison?q={status=error}                          200
CALLS GET  /analysis/comparison?q={status=error}&base={kind=client}       200
CALLS GET  /analysis/comparison?start=5&baseStart=0&baseEnd=9             200
SHOP  GET  /analysis/comparison?base=x                                    400
SHOP  GET  /analysis/comparison?baseStart=2&baseEnd=1                     400
SHUT  GET  /analysis/comparison                                           503
ODD   GET  /attributes                                                    200
SHOP  GET  /attributes?scope=x                                            400
SHUT  GET  /attributes                                                    503
SHOP  GET  /attributes/name/values                                        200
SHOP  GET  /attributes/duration/values                                    400
SHUT  GET  /attributes/name/values                                        503
SHOP  GET  /words                                                         200
SHOP  GET  /words?x                                                       400
SHUT  GET  /words                                                         503
SHOP  GET  /export                                                        200
SHOP  GET  /export?format=otlp-json                                       200
SHOP  GET  /export?format=csv                                             400
SHUT  GET  /export                                                        503
SHOP  GET  /deletions?x                                                   400
SHUT  GET  /deletions                                                     503
SHOP  POST /deletions {"query":"{}","dryRun":true}                        200
TORN  POST /deletions {"traceIds":["aa"],"dryRun":true}                   400
TORN  POST /deletions {"traceIds":["000000000000000000000000000000aa"]}   200
SHOP  POST /deletions {"attribute":{"key":"service.name","value":"shop"}} 200
SHOP  POST /deletions {"query":"{ name = \"none\" }"}                     200
SHOP  POST /deletions {"traceIds":["000000000000000000000000000000bb"]}   200
SHOP  GET  /deletions                                                     200
BUSY  GET  /deletions                                                     200
SMALL POST /deletions {"query":"{}"}                                      422
FORM  POST /deletions {"query":"{}"}                                      415
PAGE  POST /deletions {"query":"{}"}                                      403
SHUT  POST /deletions {"query":"{}"}                                      503
SHOP  POST /backups   {}                                                  403
BUSY  POST /backups   {"directory":"weekly","prune":true}                 202
BUSY  POST /backups   {"directory":"taken"}                               409
BUSY  POST /backups   {"directory":"/etc"}                                403
BUSY  POST /backups   {"folder":"weekly"}                                 400
FORM  POST /backups   {}                                                  415
SHUT  POST /backups   {}                                                  503
BUSY  GET  /backups                                                       200
BUSY  GET  /backups?x                                                     400
SHUT  GET  /backups                                                       503
BUSY  GET  /backups/2                                                     200
BUSY  GET  /backups/x                                                     400
BUSY  GET  /backups/9                                                     404
SHUT  GET  /backups/1                                                     503
SHOP  GET  /queries                                                       200
SHOP  GET  /queries?x                                                     400
SHUT  GET  /queries                                                       503
SHOP  GET  /status                                                        200
SHOP  GET  /status?x                                                      400
SHUT  GET  /status                                                        503
SHOP  GET  /server                                                        200
SHOP  GET  /server?x                                                      400
GUEST GET  /server                                                        403
SHUT  GET  /server                                                        503
SHOP  GET  /settings                                                      200
SHOP  GET  /settings?x                                                    400
GUEST GET  /settings                                                      403
SHUT  GET  /settings                                                      503
SHOP  GET  /openapi.yaml                                                  200
SHOP  GET  /openapi.yaml?x                                                400
SHUT  GET  /openapi.yaml                                                  503
`

// TestContract: every answer is as openapi.yaml says, and all that it says
// occurs: each status, content type, header, property and word.
func TestContract(t *testing.T) {
	contract, servers := readContract(t), contractServers(t)
	for line := range strings.Lines(strings.TrimSpace(exchanges)) {
		words := strings.Fields(line)
		server, method, path, want := words[0], words[1], words[2], words[len(words)-1]
		body := strings.Join(words[3:len(words)-1], " ")
		c := &client{t, servers[server], contract}
		req := httptest.NewRequest(method, native.Prefix+path, strings.NewReader(body))
		switch server {
		case "FORM":
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		case "PAGE":
			req.Header.Set("Sec-Fetch-Site", "cross-site")
		default:
			req.Header.Set("Content-Type", "application/json")
		}
		status, err := strconv.Atoi(want)
		if err != nil {
			t.Fatal(line)
		}
		c.exchange(req, body, status)
	}
	for _, what := range contract.documented() {
		if !contract.seen[what] {
			t.Errorf("openapi.yaml documents what no answer has: %s", what)
		}
	}
}

func contractServers(t *testing.T) map[string]http.Handler {
	_, store := newDeletionClient(t)
	shop := deletionOptions(store)
	shop.Queries = func() []querylog.Entry {
		return []querylog.Entry{{Route: "/api/search", Class: "filter", Status: "200", Cost: exec.CostTotal{Reason: "late"}}}
	}
	odd, small, torn, busy, calls := shop, shop, shop, shop, shop
	odd.Store = scantest.New(telemetrytest.Random(7, 200))
	calls.Store = scantest.New(callingServices())
	small.Limits = exec.DefaultLimits
	small.Limits.TraceSpans = 1
	torn.Store = broken{odd.Store}
	busy.Backups = func() []native.Backup {
		return []native.Backup{
			{ID: 3, State: native.BackupRunning, Started: 5, Directory: "/backups"},
			{ID: 2, State: native.BackupDone, Started: 3, Ended: 4, Directory: "/backups", Name: "2.backup", IncompleteReason: "damage"},
			{ID: 1, State: native.BackupFailed, Started: 1, Ended: 2, Directory: "/backups", Error: "disk full"},
		}
	}
	busy.Backup = func(in native.BackupRequest) (native.Backup, error) {
		switch in.Directory {
		case "taken":
			return native.Backup{}, native.ErrBackupRunning
		case "/etc":
			return native.Backup{}, native.ErrBackupDirectory
		}
		return busy.Backups()[0], nil
	}
	guest := shop
	guest.Server, guest.Settings = nil, nil
	busy.Deletions = func() []native.Deletion { return []native.Deletion{{ID: 1, State: "lost", Kind: "query"}} }
	return map[string]http.Handler{
		"SHOP": native.New(shop), "ODD": native.New(odd), "SMALL": native.New(small), "TORN": native.New(torn), "BUSY": native.New(busy),
		"CALLS": native.New(calls), "GUEST": native.New(guest),
		"FORM": native.New(shop), "PAGE": native.New(shop), "SHUT": native.NewGate(func() string { return "recovering" }),
	}
}

// example is a value that a schema allows.
func example(s *openapi3.Schema) string {
	switch {
	case s.Default != nil:
		return fmt.Sprint(s.Default)
	case len(s.Enum) > 0:
		return fmt.Sprint(s.Enum[0])
	}
	return "1"
}

// TestParametersAreAsDocumented: each parameter in openapi.yaml is taken, and
// each path, and no others are.
func TestParametersAreAsDocumented(t *testing.T) {
	c, _ := newDeletionClient(t)
	served, described := native.Paths(), []string{}
	c.operations(func(path, method string, op *openapi3.Operation) {
		described = append(described, path)
		path = strings.NewReplacer("{traceId}", traceA, "{field}", "name", "{backupId}", "1").Replace(path)
		refused := func(query string) bool {
			w := httptest.NewRecorder()
			c.handler.ServeHTTP(w, httptest.NewRequest(method, native.Prefix+path+"?"+query, nil))
			return strings.Contains(w.Body.String(), "There is no such parameter here.")
		}
		for _, p := range op.Parameters {
			if p := p.Value; p.In == "query" && refused(url.Values{p.Name: {example(p.Schema.Value)}}.Encode()) {
				t.Errorf("%s %s refuses the parameter %s", method, path, p.Name)
			}
		}
		if !refused("surprise=1") {
			t.Errorf("%s %s takes any parameter", method, path)
		}
	})
	slices.Sort(served)
	if described = slices.Compact(described); !reflect.DeepEqual(served, described) {
		t.Errorf("served are the paths\n%q, described\n%q", served, described)
	}
}
