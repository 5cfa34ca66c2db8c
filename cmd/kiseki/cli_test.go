package main

import (
	"bytes"
	"strings"
	"testing"
)

// kiseki runs a command line in this process.
func kiseki(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	status = run(t.Context(), args, &out, &errOut)
	return status, out.String(), errOut.String()
}

func TestUnknownCommand(t *testing.T) {
	status, _, stderr := kiseki(t, "sevre")
	if status != exitUsage || !strings.Contains(stderr, `unknown command "sevre" (did you mean "serve"?)`) {
		t.Errorf("got %d, %s", status, stderr)
	}
}

func TestUnknownOption(t *testing.T) {
	status, _, stderr := kiseki(t, "serve", "--htpt", "127.0.0.1:0")
	if status != exitUsage || !strings.Contains(stderr, "unknown option --htpt (did you mean --http?)") {
		t.Errorf("got %d, %s", status, stderr)
	}
}

// TestManualPages holds for every command: --help answers on stdout with a
// page that names the command, has a synopsis and fits a terminal.
func TestManualPages(t *testing.T) {
	_, overview, _ := kiseki(t)
	for _, c := range commands() {
		if !strings.Contains(overview, c.name) || !strings.Contains(overview, c.summary) {
			t.Errorf("the overview does not list %s", c.name)
		}
		status, stdout, stderr := kiseki(t, c.name, "--help")
		if status != exitOK || stderr != "" {
			t.Errorf("kiseki %s --help: status %d, stderr %q", c.name, status, stderr)
		}
		for _, want := range []string{"NAME\n", "SYNOPSIS\n"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("kiseki %s --help has no %q", c.name, want)
			}
		}
		for line := range strings.Lines(stdout) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("kiseki %s --help: more than 80 columns: %s", c.name, line)
			}
		}
		if _, viaHelp, _ := kiseki(t, "help", c.name); viaHelp != stdout {
			t.Errorf("kiseki help %s differs from kiseki %s --help", c.name, c.name)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if status, stdout, _ := kiseki(t, args...); status != exitOK || !strings.HasPrefix(stdout, "kiseki ") {
			t.Errorf("%v: got %d, %q", args, status, stdout)
		}
	}
	if status, _, _ := kiseki(t, "version", "x"); status != exitUsage {
		t.Errorf("a stray argument gave %d", status)
	}
}
