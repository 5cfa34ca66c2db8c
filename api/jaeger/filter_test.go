package jaeger_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
)

// The parts of filters.
const (
	status402 = `{"op":"eq","args":[{"attr":{"key":"http.response.status_code"}},{"scalar":{"value":"402"}}]}`
	failed    = `{"op":"eq","args":[{"field":{"level":"span","name":"status"}},{"scalar":{"value":"error"}}]}`
)

func both(op string, a, b string) string {
	return fmt.Sprintf(`{"op":%q,"args":[{"call":%s},{"call":%s}]}`, op, a, b)
}

func op(name, left, right string) string {
	return fmt.Sprintf(`{"op":%q,"args":[%s,%s]}`, name, left, right)
}

func field(level, name string) string {
	return fmt.Sprintf(`{"field":{"level":%q,"name":%q}}`, level, name)
}

func attr(level, key string) string {
	return fmt.Sprintf(`{"attr":{"level":%q,"key":%q}}`, level, key)
}

func scalar(value, typ string) string {
	return fmt.Sprintf(`{"scalar":{"value":%q,"type":%q}}`, value, typ)
}

const inShop = "query.startTimeMin=2026-09-21T00:00:00Z&query.startTimeMax=2026-09-22T00:00:00Z"

// summaries is the answer to a search with a filter.
func summaries(t *testing.T, filter, more string) (status int, body string) {
	t.Helper()
	h := newAPI(scantest.New(shop(t)))
	w := get(h, "/api/v3/trace-summaries?"+inShop+more+"&query.filter="+url.QueryEscape(filter))
	return w.Code, w.Body.String()
}

// TestFilters: aa is the checkout, whose charge fails with 402, the job has no
// service.
func TestFilters(t *testing.T) {
	const yes, no = true, false
	for name, c := range map[string]struct {
		filter string
		found  bool // the trace of the checkout
	}{
		"an attribute of any type":       {status402, yes},
		"as an int":                      {op("eq", attr("span", "http.response.status_code"), scalar("402", "int")), yes},
		"as a string":                    {op("eq", attr("span", "http.response.status_code"), scalar("402", "string")), no},
		"at another level":               {op("eq", attr("resource", "http.response.status_code"), scalar("402", "")), no},
		"a resource":                     {op("eq", attr("", "region"), scalar("eu", "")), yes},
		"numbers are ordered as numbers": {op("gt", attr("span", "http.response.status_code"), scalar("99", "")), yes},
		"the constant first":             {op("gt", scalar("99", ""), attr("span", "http.response.status_code")), no},
		"a double":                       {op("lte", attr("span", "ratio"), scalar("0.5", "double")), yes},
		"a bool":                         {op("eq", attr("span", "retried"), scalar("true", "bool")), yes},
		"present and different":          {op("ne", attr("span", "http.response.status_code"), scalar("200", "")), yes},
		"not present is not different":   {op("ne", attr("span", "nobody.has.this"), scalar("200", "")), no},
		"a member":                       {op("in", attr("span", "http.response.status_code"), `{"list":{"values":["401","402"],"type":"int"}}`), yes},
		"no member":                      {op("not_in", attr("span", "http.response.status_code"), `{"list":{"values":["401","402"],"type":"int"}}`), no},
		"a status":                       {failed, yes},
		"a duration":                     {op("gte", field("span", "duration"), scalar("500ms", "")), yes},
		"a longer duration":              {op("gt", field("span", "duration"), scalar("500ms", "")), no},
		"a kind and a service": {both("and", op("eq", field("span", "kind"), scalar("server", "")),
			op("eq", field("resource", "service"), scalar("payment", ""))), yes},
		"of one span":                   {both("and", failed, op("eq", field("resource", "service"), scalar("payment", ""))), no},
		"one of two":                    {both("or", op("eq", field("span", "name"), scalar("nothing", "")), failed), yes},
		"a text anywhere":               {op("regex", field("span", "name"), scalar("hec", "")), yes},
		"a text that is not":            {op("regex", field("span", "name"), scalar("^hec", "")), no},
		"an id":                         {op("eq", field("span", "spanID"), scalar("0000000000000003", "")), yes},
		"present":                       {`{"op":"exists","args":[` + attr("span", "ratio") + `]}`, yes},
		"what every span has":           {`{"op":"exists","args":[` + field("span", "name") + `]}`, yes},
		"not":                           {both("and", failed, `{"op":"not","args":[{"call":`+status402+`}]}`), no},
		"a scope":                       {op("eq", field("scope", "name"), scalar("net/http", "")), yes},
		"an event":                      {op("some", `{"nested":{"level":"event"}}`, `{"call":{"op":"exists","args":[`+field("event", "name")+`]}}`), yes},
		"an event of another name":      {op("some", `{"nested":{"level":"event"}}`, `{"call":`+op("eq", field("event", "name"), scalar("no such", ""))+`}`), no},
		"two attributes":                {op("eq", attr("span", "http.response.status_code"), attr("span", "http.response.status_code")), yes},
		"two attributes, one not there": {op("lt", attr("span", "http.response.status_code"), attr("span", "nobody.has.this")), no},
	} {
		status, body := summaries(t, c.filter, "")
		if found := strings.Contains(body, `000000000000000000000000000000aa`); status != 200 || found != c.found {
			t.Errorf("%s: found is %t, want %t: %d %s", name, found, c.found, status, body)
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	deep := failed
	for range 40 {
		deep = `{"op":"not","args":[{"call":` + deep + `}]}`
	}
	for filter, why := range map[string]string{
		"x":                          "it is not JSON",
		`{"op":"frob"}`:              "takes 2 arguments, not 0",
		both("frob", failed, failed): "there is no operator",
		`{"op":"and","args":[{"call":` + failed + `}]}`:                                        "takes 2 arguments, not 1",
		op("eq", field("span", "startTime"), scalar("2026-01-01T00:00:00Z", "")):               "no attribute or field that is known",
		op("eq", attr("trace", "a"), scalar("b", "")):                                          "no attribute or field that is known",
		op("eq", field("span", "kind"), scalar("waiter", "")):                                  `"waiter" is no kind`,
		op("gt", field("span", "kind"), scalar("server", "")):                                  "malformed",
		op("gt", field("span", "duration"), scalar("12", "")):                                  "not a length of time",
		op("eq", field("span", "duration"), field("span", "name")):                             "malformed",
		op("eq", attr("span", "a"), scalar("banana", "int")):                                   "no constant of type",
		op("eq", scalar("1", ""), scalar("1", "")):                                             "known here",
		op("regex", field("span", "name"), scalar("(", "")):                                    "regular expression",
		op("in", attr("span", "a"), `{"list":{"values":[]}}`):                                  "a list with values",
		op("some", `{"nested":{"level":"span"}}`, `{"call":`+failed+`}`):                       `the first argument of "some"`,
		op("some", `{"nested":{"level":"event"}}`, `{"call":`+both("and", failed, failed)+`}`): `"some" is served with one comparison`,
		op("some", `{"nested":{"level":"event"}}`, `{"call":`+failed+`}`):                      `"some" is served with one comparison`,
		deep: "nested deeper",
		op("in", attr("span", "a"), `{"list":{"values":["1"`+strings.Repeat(`,"1"`, 300)+`]}}`): "more than 200 comparisons",
	} {
		if status, body := summaries(t, filter, ""); status != 400 || !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), why) {
			t.Errorf("%.200s: %d %s, want %q", filter, status, body, why)
		}
	}
	if status, body := summaries(t, failed, "&query.serviceName=payment"); status != 400 || !strings.Contains(body, "not taken beside a service") {
		t.Errorf("a filter and a service: %d %s", status, body)
	}
}
