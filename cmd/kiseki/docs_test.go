package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testedBlock = regexp.MustCompile("(?ms)^```sh tested\n(.*?)^```")

// TestDocumentedCommands runs the blocks of the documentation that are marked
// as tested, in order, beside a server on ./data, with ./backups for backups,
// whose addresses stand in for the default ones.
func TestDocumentedCommands(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asKiseki, self)
	if err := os.WriteFile(filepath.Join(dir, "kiseki"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := startServe(t, filepath.Join(dir, "data"), "--backup-directory", filepath.Join(dir, "backups"), "--zipkin", "127.0.0.1:0", "--xray", "127.0.0.1:0")
	actual := strings.NewReplacer("http://127.0.0.1:16686", r.web, "http://127.0.0.1:4318", r.otlpHTTP, "127.0.0.1:4317", r.otlpGRPC, "http://127.0.0.1:9411", r.others["Zipkin"],
		"/dev/udp/127.0.0.1/2000", "/dev/udp/"+strings.Replace(r.others["AWS X-Ray"], ":", "/", 1))
	for _, page := range []string{"README.md", "docs/operations.md", "docs/receivers.md"} {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		blocks := testedBlock.FindAllStringSubmatch(string(text), -1)
		if page == "docs/operations.md" && len(blocks) == 0 {
			t.Errorf("%s has no block that is marked as tested", page)
		}
		for _, b := range blocks {
			cmd := exec.Command("bash", "-euo", "pipefail", "-c", actual.Replace(b[1]))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", page, err, b[1], out)
			}
		}
	}
}
