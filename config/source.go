package config

// Source is where the value of a setting that is in force comes from.
type Source string

// The sources, the weakest first.
const (
	SourceDefault     Source = "default"
	SourceFile        Source = "file"
	SourceEnvironment Source = "environment"
	SourceOption      Source = "option"
	// SourceDerived is what [Config.Fit] chose, for the machine and for the
	// other settings.
	SourceDerived Source = "derived"
)

// from notes where the value of a setting comes from now.
func (c *Config) from(s Source, key string) {
	if c.sources == nil {
		c.sources = map[string]Source{}
	}
	c.sources[key] = s
}

// Source is where the value of the setting with that key comes from.
func (c *Config) Source(key string) Source {
	if s, ok := c.sources[key]; ok {
		return s
	}
	return SourceDefault
}

// File is the path of the configuration file that was read, "" without one.
func (c *Config) File() string { return c.file }
