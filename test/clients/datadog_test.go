package clients

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDatadog lets Datadog's own tracing library send over both versions of
// the Agent's API, and compares every field with what the mapping promises.
func TestDatadog(t *testing.T) {
	dir := prepared(t)
	script := absolute(t, "node/datadog.mjs")
	s := start(t, build(t, "../../cmd/kiseki", "kiseki"), t.TempDir())
	for _, version := range []string{"0.4", "0.5"} {
		t.Run(version, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			cmd := exec.Command("node", script, version, s.others["Datadog"])
			cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(dir, "node"), &stdout, &stderr
			if err := cmd.Run(); err != nil || stderr.Len() > 0 {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			var sent []span
			if err := json.Unmarshal(stdout.Bytes(), &sent); err != nil || len(sent) != 2 {
				t.Fatalf("%v: %s", err, stdout.String())
			}
			compare(t, s, sent)
		})
	}
	s.stop(t)
}
