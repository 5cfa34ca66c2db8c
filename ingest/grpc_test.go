package ingest

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPercentEncode(t *testing.T) {
	for in, want := range map[string]string{"plain text.": "plain text.", "100 %\n軌": "100 %25%0A%E8%BB%8C"} {
		if got := percentEncode(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestGRPCTimeout(t *testing.T) {
	for header, bounded := range map[string]bool{"": false, "5": false, "S": false, "5S": true, "99999999H": true, "100000000S": false, "1x": false, "-1S": false} {
		ctx, cancel := withTimeout(t.Context(), header)
		if _, ok := ctx.Deadline(); ok != bounded {
			t.Errorf("%q: %s", header, fmt.Sprint(ctx))
		}
		cancel()
	}
}
