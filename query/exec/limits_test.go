package exec_test

import (
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/query/exec"
)

func TestLimitsOf(t *testing.T) {
	l := exec.DefaultLimits
	if got := l.Of(l.Time, int64(l.Memory)); got != l {
		t.Errorf("of their own size they are %+v", got)
	}
	got := l.Of(time.Second, int64(l.Memory/4))
	if got.Time != time.Second || got.Traces != l.Traces/4 || got.Memory != l.Memory/4 || got.Points != l.Points {
		t.Errorf("a quarter is %+v", got)
	}
	if got := l.Of(time.Second, 1); got.Traces != 1 || got.Groups != 1 {
		t.Errorf("next to nothing is %+v", got)
	}
}
