package chitrace_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
)

// The W3C's own harness, for those who have it: W3C_HARNESS is the folder
// test of https://github.com/w3c/trace-context, and python3 needs aiohttp.
// TestW3C has its cases for everybody else.
func TestW3CHarness(t *testing.T) {
	dir := os.Getenv("W3C_HARNESS")
	if dir == "" {
		t.Skip("W3C_HARNESS is not set")
	}
	service := httptest.NewServer(relay(spantest.New()))
	defer service.Close()
	harness := exec.Command("python3", filepath.Join(dir, "test.py"), service.URL+"/test")
	harness.Env = append(os.Environ(), "STRICT_LEVEL=2", "SPEC_LEVEL=2")
	out, err := harness.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
