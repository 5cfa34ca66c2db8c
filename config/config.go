// Package config is the configuration of kiseki: plain structs, filled from
// defaults, one YAML file, KISEKI_* environment variables and flags, each
// stronger than the one before it, and validated once.
//
// Goals: few settings; every setting is described in one place (settings.go),
// from which its flag, its variable, its key in the file, the help text, the
// reference page and the annotated example come; a mistake is an error that
// says where it is and what was probably meant. Nothing is read after start.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config is everything that can be set. Sizes are in bytes.
type Config struct {
	Data      string // the data folder
	HTTP      HTTP
	OTLP      OTLP
	Jaeger    Jaeger
	Zipkin    Zipkin
	XRay      XRay
	Datadog   Datadog
	TLS       TLS
	Limits    Limits
	Storage   Storage
	Retention Retention
	Backup    Backup
	Tenants   Tenants
	Forward   []Forward
	Kafka     Kafka
	Log       Log

	file    string            // that was read; "": none
	sources map[string]Source // by key; a key that is not there has its default
}

// HTTP is the listener of the UI, the query APIs and the health endpoints.
type HTTP struct {
	Address string
}

// OTLP are the listeners that take OTLP.
type OTLP struct {
	HTTPAddress string
	GRPCAddress string
	CORSOrigins []string // origins of pages that may send spans from a browser
}

// Off, instead of an address, switches a receiver beside OTLP off.
const Off = "off"

// Jaeger are the listeners that take what Jaeger's clients send, and that tell
// them how much to sample; each may be off.
type Jaeger struct {
	GRPCAddress     string
	HTTPAddress     string
	CompactAddress  string // UDP
	BinaryAddress   string // UDP
	SamplingAddress string
}

// Zipkin is the listener that takes what Zipkin's clients send; it may be off.
type Zipkin struct{ Address string }

// XRay is the listener that stands for the daemon of AWS X-Ray, over UDP and
// TCP; it may be off.
type XRay struct{ Address string }

// Datadog is the listener that stands for Datadog's Agent; it may be off.
type Datadog struct{ Address string }

// Kafka is the cluster that spans are taken from; without brokers there is none.
type Kafka struct {
	Brokers  []string
	Topics   []string // a name, or NAME=ENCODING
	Group    string
	TLS      bool
	CA       string // PEM file
	User     string // of SASL; "": without
	Password string
	SASL     string // the mechanism
}

// TLS is the certificate all listeners present; both empty means no TLS.
type TLS struct {
	Cert string // PEM file, the leaf certificate first
	Key  string // PEM file
}

// Limits bound what one client may ask of the server.
type Limits struct {
	Memory            int64 // of the process; 0: see Fit
	RequestBytes      int64 // of one request as sent
	DecompressedBytes int64 // of one request after decompression
	InFlightBytes     int64 // of all requests being handled, decompressed; 0: see Fit
	Attributes        int   // of one span, event, link, scope or resource
	ValueBytes        int   // of one attribute value
	Events            int   // of one span; links too

	Queries       int           // that run at a time; 0: twice the processors
	QueuedQueries int           // that wait for their turn
	QueryWait     time.Duration // for its turn
	QueryTime     time.Duration // of one query, from its turn on
	QueryMemory   int64         // of one query
}

// Storage sizes the store.
type Storage struct {
	FlushBytes   int64 // 0: see Fit
	FlushAge     time.Duration
	CacheBytes   int64 // 0: see Fit
	MinFreeBytes int64
	EraseAfter   time.Duration
}

// Retention says how long spans are kept; zero is without that bound.
type Retention struct {
	Rules []RetentionRule // the first that matches a trace counts, before Age
	Age   time.Duration
	Bytes int64
	// DiskWatermark is the free space below which the oldest spans are deleted
	// before their time; 0: never.
	DiskWatermark int64
}

// Backup says where backups may be written; empty: nowhere.
type Backup struct {
	Directory string
}

// Tenants keep the data of several users apart.
type Tenants struct {
	Enabled bool
	Max     int // that may exist, the default one included
}

// Log shapes the log on stderr.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json

	SlowQuery     time.Duration // queries that take longer are logged; 0: none
	QueryLiterals bool          // constants of queries are kept
}

// maxTenants is where the least memory that a head takes, and the goroutines
// and files of a store, add up to more than a process should have.
const maxTenants = 1000

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
	day = 24 * time.Hour
)

// Default is the configuration without file, environment and flags. The
// ports are those of each protocol and of Jaeger's UI, so that clients and
// habits fit.
func Default() Config {
	return Config{
		Data: "data",
		HTTP: HTTP{Address: "127.0.0.1:16686"},
		OTLP: OTLP{
			HTTPAddress: "127.0.0.1:4318",
			GRPCAddress: "127.0.0.1:4317",
			CORSOrigins: []string{"http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"},
		},
		Jaeger: Jaeger{
			GRPCAddress:     "127.0.0.1:14250",
			HTTPAddress:     "127.0.0.1:14268",
			CompactAddress:  "127.0.0.1:6831",
			BinaryAddress:   "127.0.0.1:6832",
			SamplingAddress: "127.0.0.1:5778",
		},
		Zipkin:  Zipkin{Address: "127.0.0.1:9411"},
		XRay:    XRay{Address: "127.0.0.1:2000"},
		Datadog: Datadog{Address: "127.0.0.1:8126"},
		Limits: Limits{
			RequestBytes:      20 * mib,
			DecompressedBytes: 64 * mib,
			Attributes:        1024,
			ValueBytes:        64 * kib,
			Events:            1024,
			QueuedQueries:     100,
			QueryWait:         10 * time.Second,
			QueryTime:         30 * time.Second,
			QueryMemory:       256 * mib,
		},
		Storage: Storage{
			FlushAge:     time.Hour,
			MinFreeBytes: 1 * gib,
			EraseAfter:   10 * time.Minute,
		},
		Retention: Retention{Age: 14 * day},
		Tenants:   Tenants{Max: 20},
		Kafka:     Kafka{Topics: []string{"otlp_spans"}, Group: "kiseki", SASL: "plain"},
		Log:       Log{Level: "info", Format: "text", SlowQuery: 5 * time.Second},
	}
}

// Validate checks what a single setting cannot: relations between settings
// and addresses. All mistakes are reported, not only the first.
func (c *Config) Validate() error {
	return errors.Join(
		nonEmpty("data", c.Data),
		checkAddress("http.address", c.HTTP.Address),
		checkAddress("otlp.http.address", c.OTLP.HTTPAddress),
		checkAddress("otlp.grpc.address", c.OTLP.GRPCAddress),
		addressOrOff("jaeger.grpc.address", c.Jaeger.GRPCAddress),
		addressOrOff("jaeger.http.address", c.Jaeger.HTTPAddress),
		addressOrOff("jaeger.compact.address", c.Jaeger.CompactAddress),
		addressOrOff("jaeger.binary.address", c.Jaeger.BinaryAddress),
		addressOrOff("jaeger.sampling.address", c.Jaeger.SamplingAddress),
		addressOrOff("zipkin.address", c.Zipkin.Address),
		addressOrOff("xray.address", c.XRay.Address),
		addressOrOff("datadog.address", c.Datadog.Address),
		c.checkTLS(),
		c.checkKafka(),
		checkOrigins("otlp.http.cors-origins", c.OTLP.CORSOrigins),
		atLeast("limits.request-bytes", c.Limits.RequestBytes, kib),
		atLeast("limits.decompressed-bytes", c.Limits.DecompressedBytes, kib),
		atLeastOrZero("limits.in-flight-bytes", c.Limits.InFlightBytes, c.Limits.DecompressedBytes),
		atLeast("limits.query-wait", c.Limits.QueryWait, time.Millisecond),
		atLeast("limits.query-time", c.Limits.QueryTime, time.Millisecond),
		atLeast("limits.query-memory", c.Limits.QueryMemory, mib),
		atLeast("limits.value-bytes", int64(c.Limits.ValueBytes), 16),
		atLeastOrZero("storage.flush-bytes", c.Storage.FlushBytes, mib),
		atLeast("storage.flush-age", c.Storage.FlushAge, time.Second),
		atLeast("storage.erase-after", c.Storage.EraseAfter, time.Second),
		atLeastOrZero("storage.cache-bytes", c.Storage.CacheBytes, mib),
		c.checkSizes(),
		c.checkTenants(),
		atLeastOrZero("retention.disk-watermark", c.Retention.DiskWatermark, c.Storage.MinFreeBytes+1),
	)
}

func (c *Config) checkTLS() error {
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return errors.New("tls.cert and tls.key belong together: set both or neither")
	}
	return nil
}

func (c *Config) checkKafka() error {
	k := &c.Kafka
	switch {
	case k.CA != "" && !k.TLS:
		return errors.New("kafka.ca is for TLS: set kafka.tls too")
	case (k.User == "") != (k.Password == ""):
		return errors.New("kafka.user and kafka.password belong together: set both or neither")
	case len(k.Brokers) == 0:
		return nil
	case len(k.Topics) == 0:
		return errors.New("kafka.topics is empty")
	}
	for _, b := range k.Brokers {
		if err := checkAddress("kafka.brokers", b); err != nil {
			return err
		}
	}
	return nonEmpty("kafka.group", k.Group)
}

func (c *Config) checkTenants() error {
	if c.Tenants.Max < 1 || c.Tenants.Max > maxTenants {
		return fmt.Errorf("tenants.max must be between 1 and %d", maxTenants)
	}
	return nil
}

// checkOrigins refuses what no browser would ever send as its Origin.
func checkOrigins(key string, origins []string) error {
	for _, o := range origins {
		u, err := url.Parse(strings.TrimSuffix(o, ":*"))
		if o != "*" && (err != nil || u.Scheme == "" || u.Scheme+"://"+u.Host != strings.TrimSuffix(o, ":*")) {
			return fmt.Errorf("%s: %q is not an origin, such as https://shop.example, http://localhost:* or *", key, o)
		}
	}
	return nil
}

func nonEmpty(key, v string) error {
	if v == "" {
		return fmt.Errorf("%s is empty", key)
	}
	return nil
}

func checkAddress(key, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q is not HOST:PORT, such as 127.0.0.1:4318 or [::1]:4318", key, address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s %q has no port between 0 and 65535", key, address)
	}
	return nil
}

// addressOrOff is checkAddress for a listener that may be switched off.
func addressOrOff(key, address string) error {
	if address == Off {
		return nil
	}
	if err := checkAddress(key, address); err != nil {
		return fmt.Errorf("%w, or %s", err, Off)
	}
	return nil
}

func atLeastOrZero(key string, v, least int64) error {
	if v == 0 {
		return nil
	}
	return atLeast(key, v, least)
}

func atLeast[T int64 | time.Duration](key string, v, least T) error {
	if v >= least {
		return nil
	}
	if d, ok := any(least).(time.Duration); ok {
		return fmt.Errorf("%s must be at least %s", key, FormatDuration(d))
	}
	return fmt.Errorf("%s must be at least %s", key, FormatSize(int64(least)))
}
