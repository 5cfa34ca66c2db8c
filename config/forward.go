package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/kiseki-dev/kiseki/internal/nearest"
)

// Forward is a destination that spans are sent on to.
type Forward struct {
	Name    string // unique; of letters, digits, - and _
	To      string // its address
	Match   string // TraceQL span filter; "": every span
	Headers map[string]string

	CA, Cert, Key string // PEM files
	QueueBytes    int64  // on disk at most
	FileBytes     int64  // of a file of spans; 0: the default
	Files         int    // of those; 0: the default
}

// defaultQueue is the size of a queue unless it is given.
const defaultQueue = 1 * gib

// leastQueue has room for a request or two.
const leastQueue = 1 * mib

// forwardValue is a list of mappings as rulesValue is.
type forwardValue struct{ p *[]Forward }

func (v forwardValue) Set(text string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
		return errForward
	}
	return v.setNode(doc.Content[0])
}

func (v forwardValue) String() string { return v.text(func(value string) string { return value }) }

// shown is String without the values of headers, which are credentials.
func (v forwardValue) shown() string { return v.text(func(string) string { return "…" }) }

func (v forwardValue) text(header func(string) string) string {
	all := []map[string]any{}
	for _, d := range *v.p {
		m := map[string]any{"name": d.Name, "to": d.To}
		for _, x := range []struct{ key, text string }{{"match", d.Match}, {"ca", d.CA}, {"cert", d.Cert}, {"key", d.Key}} {
			if x.text != "" {
				m[x.key] = x.text
			}
		}
		if d.QueueBytes != defaultQueue {
			m["queue"] = FormatSize(d.QueueBytes)
		}
		if d.FileBytes != 0 {
			m["file-size"] = FormatSize(d.FileBytes)
		}
		if d.Files != 0 {
			m["files"] = strconv.Itoa(d.Files)
		}
		headers := map[string]string{}
		for k, value := range d.Headers {
			headers[k] = header(value)
		}
		if len(headers) > 0 {
			m["headers"] = headers
		}
		all = append(all, m)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "" // strings always marshal
	}
	return string(text)
}

var errForward = errors.New(`it must be a list of destinations such as [{name: backup, to: "otlp+grpc://collector:4317", match: "{ status = error }"}]`)

// setNode reads the list from a parsed document.
func (v forwardValue) setNode(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return errForward
	}
	var all []Forward
	for i, item := range n.Content {
		d, err := parseForward(item)
		if err == nil && slices.ContainsFunc(all, func(x Forward) bool { return x.Name == d.Name }) {
			err = fmt.Errorf("there is another one of the name %q", d.Name)
		}
		if err != nil {
			return fmt.Errorf("destination %d: %w", i+1, err)
		}
		all = append(all, d)
	}
	*v.p = all
	return nil
}

var forwardName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func parseForward(n *yaml.Node) (d Forward, err error) {
	if n.Kind != yaml.MappingNode {
		return d, errForward
	}
	d.QueueBytes = defaultQueue
	settings := []struct {
		key string
		to  value
	}{
		{"name", textValue{&d.Name}}, {"to", textValue{&d.To}}, {"match", textValue{&d.Match}},
		{"ca", textValue{&d.CA}}, {"cert", textValue{&d.Cert}}, {"key", textValue{&d.Key}},
		{"queue", sizeValue{&d.QueueBytes}}, {"file-size", sizeValue{&d.FileBytes}}, {"files", countValue{&d.Files}},
	}
	keys := []string{"headers"}
	for _, s := range settings {
		keys = append(keys, s.key)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, node := n.Content[i].Value, n.Content[i+1]
		at := slices.Index(keys, key)
		switch {
		case at < 0:
			return d, fmt.Errorf("it has no %q%s", key, nearest.Hint(key, keys))
		case at == 0:
			if node.Decode(&d.Headers) != nil {
				return d, errors.New(`headers: they must be names with a text each, such as {Authorization: "Bearer …"}`)
			}
		case node.Kind != yaml.ScalarNode:
			return d, fmt.Errorf("%s takes a single value", key)
		default:
			if err := settings[at-1].to.Set(node.Value); err != nil {
				return d, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	switch {
	case !forwardName.MatchString(d.Name):
		return d, fmt.Errorf("name: %q is not 1 to 64 letters, digits, - and _", d.Name)
	case d.To == "":
		return d, errors.New("to: it has no address, such as otlp+grpc://collector:4317")
	case d.QueueBytes < leastQueue:
		return d, fmt.Errorf("queue: it must be at least %s", FormatSize(leastQueue))
	}
	return d, nil
}
