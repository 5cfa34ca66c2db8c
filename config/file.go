package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kiseki-dev/kiseki/internal/nearest"
)

// applyFile sets what the YAML document in data says and returns the keys of
// what it set. Errors name the file and the line.
func applyFile(name string, data []byte, settings []Setting) (keys []string, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil // empty, or nothing but comments
		}
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("parse %s: it must hold one YAML document", name)
	}
	f := file{name: name, settings: map[string]Setting{}}
	for _, s := range settings {
		f.settings[s.Key] = s
		f.keys = append(f.keys, s.Key)
	}
	err = f.group("", doc.Content[0])
	return f.given, err
}

type file struct {
	name     string
	settings map[string]Setting
	keys     []string // of settings, in the order of the reference
	given    []string // keys of those that the file sets
}

// group applies the mapping n, which stands at path ("" for the document).
func (f *file) group(path string, n *yaml.Node) error {
	if n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return f.errorf(n, "%s must be a group of settings, such as %q", orDocument(path), f.example(path))
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		p := strings.TrimPrefix(path+"."+key.Value, ".")
		if seen[p] {
			return f.errorf(key, "%s is set twice", p)
		}
		seen[p] = true
		var err error
		if s, ok := f.settings[p]; ok {
			err = f.set(s, v)
		} else if f.example(p) != "" {
			err = f.group(p, v)
		} else {
			err = f.errorf(key, "unknown setting %q%s", p, nearest.Hint(p, f.keys))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *file) set(s Setting, v *yaml.Node) error {
	f.given = append(f.given, s.Key)
	list, isList := s.value.(listValue)
	tree, isTree := s.value.(treeValue)
	switch {
	case isTree && v.Kind == yaml.SequenceNode:
		if err := tree.setNode(v); err != nil {
			return f.errorf(v, "%s: %w", s.Key, err)
		}
		return nil
	case isList && v.Kind == yaml.SequenceNode:
		var items []string
		if err := v.Decode(&items); err != nil {
			return f.errorf(v, "%s must be a list of strings", s.Key)
		}
		*list.p = items
		return nil
	case v.Kind != yaml.ScalarNode:
		return f.errorf(v, "%s takes a single value", s.Key)
	case v.Tag == "!!null":
		return f.errorf(v, "%s has no value", s.Key)
	}
	if err := s.value.Set(v.Value); err != nil {
		return f.errorf(v, "%s: %w", s.Key, err)
	}
	return nil
}

// example is the first setting below path, or "" if there is none.
func (f *file) example(path string) string {
	for _, k := range f.keys {
		if path == "" || strings.HasPrefix(k, path+".") {
			return k
		}
	}
	return ""
}

func (f *file) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", f.name, n.Line, fmt.Errorf(format, args...))
}

func orDocument(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}
