package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/internal/nearest"
)

// ErrHelp is returned by [Load] when the arguments ask for help.
var ErrHelp = errors.New("help requested")

// FileEnv is the environment variable that names the configuration file; the
// flag --config is stronger.
const FileEnv = "KISEKI_CONFIG"

// Load makes the configuration from defaults, file, environment and flags and
// validates it. Arguments may name settings as --flag VALUE or --flag=VALUE,
// with one dash or two. An environment variable that is set but empty counts
// as not set. Unknown variables are ignored: Kubernetes makes up variables
// such as KISEKI_PORT for a service of that name. Where only is not empty, no
// other flags than --config and those it names are accepted.
func Load(args []string, lookupEnv func(string) (string, bool), only ...string) (Config, error) {
	c := Default()
	settings := c.Settings()
	if len(only) == 0 {
		for _, s := range settings {
			only = append(only, s.Flag)
		}
	}
	flags, err := parseFlags(args, append([]string{"config", "help"}, only...))
	if err != nil {
		return Config{}, err
	}
	file := flags["config"]
	if file == "" {
		file, _ = lookupEnv(FileEnv)
	}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return Config{}, fmt.Errorf("read configuration: %w", err)
		}
		given, err := applyFile(file, data, settings)
		if err != nil {
			return Config{}, err
		}
		c.file = file
		for _, key := range given {
			c.from(SourceFile, key)
		}
	}
	for _, s := range settings {
		if text, ok := lookupEnv(s.Env()); ok && text != "" {
			if err := s.value.Set(text); err != nil {
				return Config{}, fmt.Errorf("environment variable %s: %w", s.Env(), err)
			}
			c.from(SourceEnvironment, s.Key)
		}
		if text, ok := flags[s.Flag]; ok {
			if err := s.value.Set(text); err != nil {
				return Config{}, fmt.Errorf("--%s: %w", s.Flag, err)
			}
			c.from(SourceOption, s.Key)
		}
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// parseFlags splits the arguments into flag names and values. Where a flag
// is repeated the last one counts.
func parseFlags(args, known []string) (map[string]string, error) {
	flags := map[string]string{}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name := strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-")
		if name == arg || name == "" {
			return nil, fmt.Errorf("unexpected argument %q: options start with --", arg)
		}
		name, text, hasText := strings.Cut(name, "=")
		if name == "h" || name == "help" {
			return nil, ErrHelp
		}
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown option --%s%s", name, dashed(nearest.Name(name, known)))
		}
		if !hasText {
			if len(args) == 0 {
				return nil, fmt.Errorf("option --%s needs a value", name)
			}
			text, args = args[0], args[1:]
		}
		flags[name] = text
	}
	return flags, nil
}

func dashed(name string) string {
	if name == "" {
		return ""
	}
	return " (did you mean --" + name + "?)"
}
