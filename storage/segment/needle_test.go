package segment

import (
	"regexp"
	"testing"
)

func TestRequiredLiteral(t *testing.T) {
	for pattern, want := range map[string]string{
		`.*product_id = 1.*`:  "product_id = 1",
		`^(?:SELECT .+)$`:     "SELECT ",
		`(abc)+d?`:            "abc",
		`a{3}`:                "a",
		`foo|bar`:             "",
		`(foo|bar)bazz`:       "bazz",
		`(?i)select`:          "",
		`x*`:                  "",
		`在庫.*`:                "在庫",
		`GET /cart/[0-9]+/ok`: "GET /cart/",
	} {
		if got := requiredLiteral(regexp.MustCompile(pattern)); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}
