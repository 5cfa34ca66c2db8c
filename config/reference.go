package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteOptions writes the options for a help page: grouped, described, with
// defaults and variables. Lines are at most 80 columns.
func WriteOptions(w io.Writer) {
	c := Default()
	fmt.Fprintf(w, "  --config FILE\n")
	writeWrapped(w, "      ", "A YAML file with settings. Environment variables override it, options override both. Environment "+FileEnv+".")
	group := ""
	for _, s := range c.Settings() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(w, "\n  %s\n", group)
		}
		fmt.Fprintf(w, "  --%s %s\n", s.Flag, s.Meta)
		writeWrapped(w, "      ", s.Help)
		def := s.Value()
		if def == "" {
			def = "none"
		}
		writeWrapped(w, "      ", fmt.Sprintf("Default %s. Environment %s. File %s.", def, s.Env(), s.Key))
	}
}

// writeWrapped writes text as lines of at most 80 columns.
func writeWrapped(w io.Writer, indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 80 && line != indent {
			fmt.Fprintln(w, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}

// Reference is docs/configuration.md.
func Reference() string {
	var w strings.Builder
	w.WriteString(`# Configuration

Everything has a default: ` + "`kiseki serve`" + ` alone is a working server. A setting can be given as an option
(` + "`--retention-age 30d`" + `), as an environment variable (` + "`KISEKI_RETENTION_AGE=30d`" + `) or in a YAML file named by
` + "`--config`" + ` or ` + "`" + FileEnv + "`" + `. An option wins over a variable, a variable over the file, the file over the default.
Unknown options and unknown keys in the file are errors. Sizes are written with B, KiB, MiB, GiB or TiB, durations
with s, m, h, d or w. Settings are read once, at start.

This page is generated from the code; ` + "`go test ./config -rewrite`" + ` writes it anew.
`)
	c := Default()
	group := ""
	for _, s := range c.Settings() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&w, "\n## %s\n\n| file | option | environment | default |  |\n|---|---|---|---|---|\n", group)
		}
		fmt.Fprintf(&w, "| `%s` | `--%s` | `%s` | %s | %s |\n", s.Key, s.Flag, s.Env(), codeOr(s.Value(), "none"), s.Help)
	}
	w.WriteString("\n## A file with every setting at its default\n\n```yaml\n" + Example() + "```\n")
	return w.String()
}

func codeOr(s, or string) string {
	if s == "" {
		return or
	}
	return "`" + s + "`"
}

// Example is an annotated configuration file that sets every setting to its
// default.
func Example() string {
	var w strings.Builder
	c := Default()
	var open []string // the groups the last line is in
	for _, s := range exampleOrder(c.Settings()) {
		path := strings.Split(s.Key, ".")
		shared := 0
		for shared < len(open) && shared < len(path)-1 && open[shared] == path[shared] {
			shared++
		}
		for i := shared; i < len(path)-1; i++ {
			fmt.Fprintf(&w, "%s%s:\n", strings.Repeat("  ", i), path[i])
		}
		open = path[:len(path)-1]
		indent := strings.Repeat("  ", len(open))
		writeWrapped(&w, indent+"# ", s.Help)
		fmt.Fprintf(&w, "%s%s: %s\n", indent, path[len(path)-1], yamlText(s))
	}
	return w.String()
}

// exampleOrder brings settings of one top-level group together, groups in
// order of their first setting.
func exampleOrder(settings []Setting) []Setting {
	var out []Setting
	done := map[string]bool{}
	for _, first := range settings {
		top, _, _ := strings.Cut(first.Key, ".")
		if done[top] {
			continue
		}
		done[top] = true
		for _, s := range settings {
			if t, _, _ := strings.Cut(s.Key, "."); t == top {
				out = append(out, s)
			}
		}
	}
	return out
}

func yamlText(s Setting) string {
	if list, ok := s.value.(listValue); ok {
		quoted := make([]string, len(*list.p))
		for i, item := range *list.p {
			quoted[i] = fmt.Sprintf("%q", item)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	if text := s.Value(); text != "" {
		return text
	}
	return `""`
}
