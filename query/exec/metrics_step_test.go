package exec_test

import (
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/query/exec"
)

func TestDefaultStep(t *testing.T) {
	for length, want := range map[time.Duration]time.Duration{
		0: time.Millisecond, time.Second: 5 * time.Millisecond, time.Minute: 500 * time.Millisecond, time.Hour: 15 * time.Second,
		24 * time.Hour: 10 * time.Minute, 30 * 24 * time.Hour: 6 * time.Hour, 10_000 * 24 * time.Hour: 42 * 24 * time.Hour,
	} {
		if got := time.Duration(exec.DefaultStep(epoch, epoch+uint64(length))); got != want {
			t.Errorf("%s: %s, want %s", length, got, want)
		}
	}
}
