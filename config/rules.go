package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// RetentionRule says how long traces are kept that a query matches.
type RetentionRule struct {
	Match string        // TraceQL
	Age   time.Duration // 0: for ever
}

// rulesValue is a list of mappings in the file; in flags and variables the
// same list in YAML's flow style, which JSON is too.
type rulesValue struct{ p *[]RetentionRule }

func (v rulesValue) Set(text string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
		return errRules
	}
	return v.setNode(doc.Content[0])
}

func (v rulesValue) String() string {
	type rule struct {
		Match string `json:"match"`
		Age   string `json:"age"`
	}
	rules := make([]rule, len(*v.p))
	for i, r := range *v.p {
		rules[i] = rule{r.Match, FormatDuration(r.Age)}
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return "" // strings always marshal
	}
	return string(text)
}

var errRules = errors.New(`it must be a list of rules such as [{match: "{ status = error }", age: 30d}]`)

// setNode reads the list from a parsed document.
func (v rulesValue) setNode(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return errRules
	}
	var rules []RetentionRule
	for i, item := range n.Content {
		r, err := parseRule(item)
		if err != nil {
			return fmt.Errorf("rule %d: %w", i+1, err)
		}
		rules = append(rules, r)
	}
	*v.p = rules
	return nil
}

func parseRule(n *yaml.Node) (r RetentionRule, err error) {
	var fields map[string]string
	if n.Kind != yaml.MappingNode || n.Decode(&fields) != nil {
		return r, errRules
	}
	match, age := fields["match"], fields["age"]
	if len(fields) != 2 || match == "" || age == "" {
		return r, errors.New("it needs match and age, and nothing else")
	}
	r.Match = match
	r.Age, err = ParseDuration(age)
	return r, err
}
