package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is set by the linker (see the Makefile); versionString falls back
// on what the Go tool recorded about the checkout.
var version string

var versionCommand = command{name: "version", summary: "print the version of this binary", run: runVersion}

func runVersion(_ context.Context, args []string, stdout, stderr io.Writer) int {
	if wantsHelp(args) {
		fmt.Fprint(stdout, "NAME\n  kiseki version - print the version of this binary\n\nSYNOPSIS\n  kiseki version\n")
		return exitOK
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "kiseki version: takes no arguments, got %q\n", args[0])
		return exitUsage
	}
	fmt.Fprintf(stdout, "kiseki %s %s/%s %s\n", versionString(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return exitOK
}

// versionString is the version as the UI and the API show it.
func versionString() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "development"
}

// wantsHelp reports whether the first argument asks for the manual page.
func wantsHelp(args []string) bool {
	return len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help")
}
