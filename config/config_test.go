package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/config"
)

var rewrite = flag.Bool("rewrite", false, "write docs/configuration.md anew")

func noEnv(string) (string, bool) { return "", false }

func env(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := pairs[name]
		return v, ok
	}
}

// writeFile returns the path of a configuration file with the given text.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kiseki.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValid(t *testing.T) {
	c, err := config.Load(nil, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, config.Default()) {
		t.Errorf("no arguments gave %+v", c)
	}
}

func TestPrecedence(t *testing.T) {
	path := writeFile(t, "http:\n  address: 127.0.0.1:1\notlp:\n  http:\n    address: 127.0.0.1:2\n  grpc:\n    address: 127.0.0.1:3\n")
	vars := map[string]string{
		"KISEKI_CONFIG":    path,
		"KISEKI_OTLP_HTTP": "127.0.0.1:20",
		"KISEKI_OTLP_GRPC": "127.0.0.1:30",
		"KISEKI_LOG_LEVEL": "", // as if not set
	}
	c, err := config.Load([]string{"--otlp-grpc=127.0.0.1:300", "-data", "elsewhere"}, env(vars))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ what, got, want string }{
		{"file over default", c.HTTP.Address, "127.0.0.1:1"},
		{"environment over file", c.OTLP.HTTPAddress, "127.0.0.1:20"},
		{"flag over environment", c.OTLP.GRPCAddress, "127.0.0.1:300"},
		{"flag", c.Data, "elsewhere"},
		{"default", c.Log.Level, "info"},
	} {
		if x.got != x.want {
			t.Errorf("%s: got %s, want %s", x.what, x.got, x.want)
		}
	}
}

func TestConfigFlagOverConfigVariable(t *testing.T) {
	path := writeFile(t, "data: from-flag\n")
	c, err := config.Load([]string{"--config", path}, env(map[string]string{"KISEKI_CONFIG": "absent.yaml"}))
	if err != nil || c.Data != "from-flag" {
		t.Errorf("got %q, %v", c.Data, err)
	}
}

func TestEverySettingTakesItsOwnDefault(t *testing.T) {
	def := config.Default()
	var args []string
	for _, s := range def.Settings() {
		args = append(args, "--"+s.Flag, s.Value())
	}
	c, err := config.Load(args, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values(c), values(def); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// values are all settings, a line each.
func values(c config.Config) string {
	var w strings.Builder
	for _, s := range c.Settings() {
		w.WriteString(s.Key + ": " + s.Value() + "\n")
	}
	return w.String()
}

func TestSources(t *testing.T) {
	path := writeFile(t, "data: x\nhttp:\n  address: 127.0.0.1:1\nretention:\n  age: 1d\n  rules: []\n")
	c, err := config.Load([]string{"--http", "127.0.0.1:2", "--config", path}, env(map[string]string{"KISEKI_RETENTION_AGE": "2d", "KISEKI_LOG_LEVEL": ""}))
	if err != nil {
		t.Fatal(err)
	}
	c.Fit(512 << 20)
	if c.File() != path {
		t.Errorf("the file is %q", c.File())
	}
	for key, want := range map[string]config.Source{
		"data": config.SourceFile, "retention.rules": config.SourceFile, "retention.age": config.SourceEnvironment, "http.address": config.SourceOption,
		"log.level": config.SourceDefault, "limits.memory": config.SourceDerived, "limits.decompressed-bytes": config.SourceDerived,
	} {
		if got := c.Source(key); got != want {
			t.Errorf("%s comes from %s, want %s", key, got, want)
		}
	}
}

func TestSettingNamesAreUnique(t *testing.T) {
	c := config.Default()
	seen := map[string]bool{}
	for _, s := range c.Settings() {
		for _, name := range []string{"key " + s.Key, "flag " + s.Flag} {
			if seen[name] {
				t.Errorf("%s is used twice", name)
			}
			seen[name] = true
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, x := range []struct {
		name string
		args []string
		file string
		env  map[string]string
		want string // part of the error
	}{
		{name: "unknown flag", args: []string{"--retension-age", "1d"}, want: "unknown option --retension-age (did you mean --retention-age?)"},
		{name: "flag without value", args: []string{"--data"}, want: "option --data needs a value"},
		{name: "stray argument", args: []string{"data"}, want: `unexpected argument "data"`},
		{name: "bad size", args: []string{"--flush-bytes", "64MB"}, want: `--flush-bytes: "64MB" is not a size such as 64MiB`},
		{name: "bad duration in environment", env: map[string]string{"KISEKI_RETENTION_AGE": "soon"}, want: `KISEKI_RETENTION_AGE: "soon" is not a duration`},
		{name: "bad choice", args: []string{"--log-level", "wran"}, want: `(did you mean "warn"?)`},
		{name: "bad address", args: []string{"--http", "16686"}, want: `http.address "16686" is not HOST:PORT`},
		{name: "bad port", args: []string{"--http", ":http"}, want: "no port between"},
		{name: "half of TLS", args: []string{"--tls-cert", "c.pem"}, want: "tls.cert and tls.key belong together"},
		{name: "relation", args: []string{"--max-in-flight-bytes", "1MiB"}, want: "limits.in-flight-bytes must be at least 64MiB"},
		{name: "fills the disk itself", args: []string{"--min-free-bytes", "16MiB", "--flush-bytes", "64MiB"}, want: "storage.min-free-bytes must be at least 128MiB, twice"},
		{name: "little memory", args: []string{"--max-memory", "100MiB"}, want: "limits.memory must be at least 256MiB"},
		{name: "more than the memory", args: []string{"--max-memory", "256MiB", "--flush-bytes", "256MiB"}, want: "limits.memory must be at least 768MiB"},
		{name: "watermark too low", args: []string{"--retention-disk-watermark", "1GiB"}, want: "retention.disk-watermark must be at least"},
		{name: "origin", args: []string{"--otlp-cors-origins", "shop.example"}, want: `otlp.http.cors-origins: "shop.example" is not an origin, such as https://shop.example`},
		{name: "too small", args: []string{"--flush-age", "1ms"}, want: "storage.flush-age must be at least 1s"},
		{name: "unknown key", file: "data: x\nretention:\n  agge: 1d\n", want: `kiseki.yaml:3: unknown setting "retention.agge" (did you mean "retention.age"?)`},
		{name: "unknown group", file: "\nretenton: {age: 1d}\n", want: `kiseki.yaml:2: unknown setting "retenton"`},
		{name: "key twice", file: "data: x\ndata: y\n", want: "data"},
		{name: "value for a group", file: "retention: 14d\n", want: `kiseki.yaml:1: retention must be a group of settings, such as "retention.age"`},
		{name: "group for a value", file: "data:\n  x: 1\n", want: "data takes a single value"},
		{name: "no value", file: "data:\n", want: "data has no value"},
		{name: "bad value in file", file: "retention:\n  bytes: lots\n", want: `kiseki.yaml:2: retention.bytes: "lots" is not a size`},
		{name: "no rules", args: []string{"--retention-rules", "{ status = error }"}, want: "--retention-rules: it must be a list of rules such as"},
		{name: "rule without age", file: "retention:\n  rules:\n    - match: \"{ }\"\n", want: "kiseki.yaml:3: retention.rules: rule 1: it needs match and age"},
		{name: "rule with a bad age", args: []string{"--retention-rules", "[{match: x, age: 1d}, {match: x, age: soon}]"}, want: `rule 2: "soon" is not a duration`},
		{name: "two documents", file: "data: x\n---\ndata: y\n", want: "one YAML document"},
		{name: "not YAML", file: "{", want: "parse "},
	} {
		t.Run(x.name, func(t *testing.T) {
			args := x.args
			if x.file != "" {
				args = append(args, "--config", writeFile(t, x.file))
			}
			_, err := config.Load(args, env(x.env))
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got error %v, want one with %q", err, x.want)
			}
		})
	}
}

func TestAllValidationErrorsAreReported(t *testing.T) {
	_, err := config.Load([]string{"--http", "x", "--tls-key", "k"}, noEnv)
	if err == nil || !strings.Contains(err.Error(), "http.address") || !strings.Contains(err.Error(), "tls.key") {
		t.Errorf("got %v", err)
	}
}

func TestMissingFile(t *testing.T) {
	_, err := config.Load([]string{"--config", filepath.Join(t.TempDir(), "absent.yaml")}, noEnv)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestHelpIsAskedFor(t *testing.T) {
	for _, arg := range []string{"-h", "--help", "-help"} {
		if _, err := config.Load([]string{arg}, noEnv); !errors.Is(err, config.ErrHelp) {
			t.Errorf("%s gave %v", arg, err)
		}
	}
}

func TestOnlySomeFlags(t *testing.T) {
	if c, err := config.Load([]string{"--data", "x"}, noEnv, "data"); err != nil || c.Data != "x" {
		t.Errorf("got %q, %v", c.Data, err)
	}
	if _, err := config.Load([]string{"--http", "127.0.0.1:1"}, noEnv, "data"); err == nil {
		t.Error("a flag that is not among those accepted was taken")
	}
}

func TestListInFile(t *testing.T) {
	c, err := config.Load([]string{"--config", writeFile(t, "otlp:\n  http:\n    cors-origins:\n      - https://a.example\n      - https://b.example\n")}, noEnv)
	if want := []string{"https://a.example", "https://b.example"}; err != nil || !reflect.DeepEqual(c.OTLP.CORSOrigins, want) {
		t.Errorf("got %v, %v", c.OTLP.CORSOrigins, err)
	}
}

func TestRetentionRules(t *testing.T) {
	want := []config.RetentionRule{{Match: "{ status = error }", Age: 30 * 24 * time.Hour}, {Match: `{ name = "a, b" }`}}
	c, err := config.Load([]string{"--config", writeFile(t, `
retention:
  rules:
    - match: "{ status = error }"
      age: 30d
    - {match: '{ name = "a, b" }', age: 0}
`)}, noEnv)
	if err != nil || !reflect.DeepEqual(c.Retention.Rules, want) {
		t.Errorf("from a file: %+v, %v", c.Retention.Rules, err)
	}
	for _, s := range c.Settings() {
		if s.Key != "retention.rules" {
			continue
		}
		again, err := config.Load([]string{"--retention-rules", s.Value()}, noEnv)
		if err != nil || !reflect.DeepEqual(again.Retention.Rules, want) {
			t.Errorf("from %s: %+v, %v", s.Value(), again.Retention.Rules, err)
		}
	}
}

func TestForward(t *testing.T) {
	want := []config.Forward{
		{Name: "a", To: "otlp+https://h/x", Match: "{ status = error }", Headers: map[string]string{"Authorization": "Bearer secret"}, QueueBytes: 1 << 30},
		{Name: "b", To: "file:///x", QueueBytes: 5 << 20, FileBytes: 1 << 20, Files: 3},
	}
	c, err := config.Load([]string{"--config", writeFile(t, `
forward:
  - {name: a, to: otlp+https://h/x, match: "{ status = error }", headers: {Authorization: Bearer secret}}
  - {name: b, to: "file:///x", queue: 5MiB, file-size: 1MiB, files: 3}
`)}, noEnv)
	if err != nil || !reflect.DeepEqual(c.Forward, want) {
		t.Errorf("from a file: %+v, %v", c.Forward, err)
	}
	for _, s := range c.Settings() {
		if s.Key != "forward" {
			continue
		}
		again, err := config.Load([]string{"--forward", s.Value()}, noEnv)
		if err != nil || !reflect.DeepEqual(again.Forward, want) {
			t.Errorf("from %s: %+v, %v", s.Value(), again.Forward, err)
		}
		if strings.Contains(s.Shown(), "secret") {
			t.Errorf("%s tells the credentials", s.Shown())
		}
	}
	for text, want := range map[string]string{
		"x":                                    "it must be a list of destinations",
		"[x]":                                  "it must be a list of destinations",
		"[{name: a}]":                          "to: it has no address",
		"[{to: a}]":                            "name: ",
		"[{name: a/b, to: x}]":                 "name: ",
		"[{name: a, to: x, macth: y}]":         `it has no "macth" (did you mean "match"?)`,
		"[{name: a, to: x}, {name: a, to: y}]": "destination 2: there is another one of the name",
		"[{name: a, to: x, queue: 1KiB}]":      "at least 1MiB",
		"[{name: a, to: x, queue: much}]":      "is not a size",
		"[{name: a, to: x, headers: [y]}]":     "headers: ",
		"[{name: a, to: [x]}]":                 "to takes a single value",
	} {
		if _, err := config.Load([]string{"--forward", text}, noEnv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestExampleIsTheDefault(t *testing.T) {
	c, err := config.Load([]string{"--config", writeFile(t, config.Example())}, noEnv)
	if err != nil {
		t.Fatalf("%v\n%s", err, config.Example())
	}
	if got, want := values(c), values(config.Default()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	const path = "../docs/configuration.md"
	if *rewrite {
		if err := os.WriteFile(path, []byte(config.Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != config.Reference() {
		t.Errorf("docs/configuration.md is out of date: run go test ./config -rewrite")
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	var w bytes.Buffer
	config.WriteOptions(&w)
	for line := range strings.Lines(w.String()) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1B": 1, "64MiB": 64 << 20, "1.5GiB": 3 << 29, "2TiB": 2 << 40, "3 KiB": 3 << 10} {
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "64", "MiB", "-1MiB", "1e99TiB", "NaNB", "64mib", "1 2MiB"} {
		if n, err := config.ParseSize(bad); err == nil {
			t.Errorf("ParseSize(%q) = %d", bad, n)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "14d": 14 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1h30m": 90 * time.Minute, "0.5d": 12 * time.Hour, "250ms": 250 * time.Millisecond,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "14", "d", "-1d", "1e300w", "NaNd", "1d12h"} {
		if d, err := config.ParseDuration(bad); err == nil {
			t.Errorf("ParseDuration(%q) = %s", bad, d)
		}
	}
}

func FuzzFormatIsInverse(f *testing.F) {
	for _, s := range []string{"0", "64MiB", "1.5GiB", "14d", "1h30m", "36h0m1s", "1ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := config.ParseSize(s); err == nil {
			if again, err := config.ParseSize(config.FormatSize(n)); err != nil || again != n {
				t.Errorf("size %q: %d became %q, %d, %v", s, n, config.FormatSize(n), again, err)
			}
		}
		if d, err := config.ParseDuration(s); err == nil {
			if again, err := config.ParseDuration(config.FormatDuration(d)); err != nil || again != d {
				t.Errorf("duration %q: %d became %q, %d, %v", s, d, config.FormatDuration(d), again, err)
			}
		}
	})
}

func FuzzFile(f *testing.F) {
	f.Add(config.Example())
	f.Add("data: &a x\nhttp: {address: *a}\n")
	f.Add("? [a]\n: b\n")
	f.Add("otlp: &o\n  http: *o\n")
	path := filepath.Join(f.TempDir(), "kiseki.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load([]string{"--config", path}, noEnv)
		if err == nil && c.Validate() != nil {
			t.Errorf("loaded an invalid configuration from %q", text)
		}
	})
}

func TestFit(t *testing.T) {
	const mib = 1 << 20
	for _, x := range []struct {
		memory, available                    int64
		wantMemory, flush, inFlight, decoded int64
	}{
		{0, 24 << 30, 6 << 30, 64 * mib, 256 * mib, 64 * mib},
		{0, 0, 256 * mib, 256 * mib / 12, 256 * mib / 12, 256 * mib / 12},
		{0, 512 * mib, 256 * mib, 256 * mib / 12, 256 * mib / 12, 256 * mib / 12},
		{1 << 30, 24 << 30, 1 << 30, 64 * mib, 1 << 30 / 12, 64 * mib},
	} {
		c := config.Default()
		c.Limits.Memory = x.memory
		c.Fit(x.available)
		if c.Limits.Memory != x.wantMemory || c.Storage.FlushBytes != x.flush || c.Limits.InFlightBytes != x.inFlight || c.Limits.DecompressedBytes != x.decoded {
			t.Errorf("%d of %d: %+v %+v", x.memory, x.available, c.Limits, c.Storage)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%d of %d: %v", x.memory, x.available, err)
		}
	}
	c := config.Default()
	c.Storage.FlushBytes, c.Storage.CacheBytes, c.Limits.InFlightBytes = 5*mib, 6*mib, 70*mib
	c.Fit(8 << 30)
	if c.Storage.FlushBytes != 5*mib || c.Storage.CacheBytes != 6*mib || c.Limits.InFlightBytes != 70*mib || c.Limits.DecompressedBytes != 64*mib {
		t.Errorf("what was set did not stay: %+v %+v", c.Limits, c.Storage)
	}
}
