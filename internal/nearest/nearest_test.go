package nearest_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/internal/nearest"
)

func TestName(t *testing.T) {
	known := []string{"serve", "demo", "inspect", "version", "retention.age"}
	for word, want := range map[string]string{
		"serv":          "serve",
		"sevre":         "serve", // neighbours swapped
		"insepct":       "inspect",
		"retension.age": "retention.age",
		"xyz":           "",
		"":              "",
		"banana":        "",
	} {
		if got := nearest.Name(word, known); got != want {
			t.Errorf("Name(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestHint(t *testing.T) {
	if got, want := nearest.Hint("dmeo", []string{"serve", "demo"}), ` (did you mean "demo"?)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := nearest.Hint("banana", []string{"serve"}); got != "" {
		t.Errorf("got %q for a word near nothing", got)
	}
}
