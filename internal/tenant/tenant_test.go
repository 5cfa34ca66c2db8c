package tenant_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/internal/tenant"
)

func TestCheck(t *testing.T) {
	for id, ok := range map[string]bool{
		"acme": true, "A-z_0.9!*'()": true, "...": true, strings.Repeat("x", 150): true,
		"": false, ".": false, "..": false, strings.Repeat("x", 151): false, "a/b": false, "a|b": false, "a b": false,
		"a\x00": false, "a\\b": false, "é": false, "[": false, "`": false, "{": false, "@": false,
	} {
		if err := tenant.Check(id); (err == nil) != ok {
			t.Errorf("%q: got %v, want ok %t", id, err, ok)
		}
	}
}

func TestOf(t *testing.T) {
	for _, x := range []struct {
		header []string
		want   string
	}{
		{nil, "default"}, {[]string{"acme"}, "acme"}, {[]string{""}, "error"}, {[]string{"a", "b"}, "error"}, {[]string{"../x"}, "error"},
	} {
		got, err := tenant.Of(http.Header{"X-Scope-Orgid": x.header})
		if err != nil {
			got = "error"
			if !strings.HasPrefix(err.Error(), tenant.Header+": ") {
				t.Errorf("%q: the error does not name the header: %v", x.header, err)
			}
		}
		if got != x.want {
			t.Errorf("%q: got %s, want %s", x.header, got, x.want)
		}
	}
}
