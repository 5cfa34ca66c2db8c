package forward

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/internal/nearest"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
)

// protocols are the schemes of addresses. Those that end in s are with TLS.
var protocols = []struct {
	scheme  string
	port    string // unless the address has one
	tls     bool
	headers bool
	open    func(o *Options, t *target) (sender, error)
}{
	{"otlp+grpc", "4317", false, true, newGRPC},
	{"otlp+grpcs", "4317", true, true, newGRPC},
	{"otlp+http", "4318", false, true, newHTTP},
	{"otlp+https", "443", true, true, newHTTP},
	{"zipkin", "9411", false, true, newZipkin},
	{"zipkins", "443", true, true, newZipkin},
	{"jaeger", "14250", false, true, newJaeger},
	{"jaegers", "14250", true, true, newJaeger},
	{"xray", "2000", false, false, newXRay},
	{"kafka", "9092", false, true, newKafka},
	{"kafkas", "9093", true, true, newKafka},
	{"file", "", false, false, newFile},
}

// target is a destination's address, understood.
type target struct {
	*Destination
	url     *url.URL
	host    string            // with its port
	tls     *tls.Config       // nil: without
	headers map[string]string // to send with each request
}

func newSender(o *Options, d *Destination) (sender, error) {
	u, err := url.Parse(d.To)
	if err != nil {
		return nil, fmt.Errorf("to: %q is not an address such as otlp+grpc://127.0.0.1:4317", shown(d.To))
	}
	var schemes []string
	for _, p := range protocols {
		if p.scheme != u.Scheme {
			schemes = append(schemes, p.scheme)
			continue
		}
		t := &target{Destination: d, url: u, headers: map[string]string{}}
		if err := t.understand(p.port, p.tls, p.headers); err != nil {
			return nil, err
		}
		for k, v := range d.Headers {
			t.headers[k] = v
		}
		if o.Tenant != "" && p.headers {
			t.headers[names.Header] = o.Tenant
		}
		return p.open(o, t)
	}
	return nil, fmt.Errorf("to: %q begins with none of %s%s", shown(d.To), strings.Join(schemes, ", "), nearest.Hint(u.Scheme, schemes))
}

// understand checks what all addresses have in common.
func (t *target) understand(port string, withTLS, headers bool) error {
	u := t.url
	switch {
	case port == "" && (u.Host != "" || u.Path == ""):
		return fmt.Errorf("to: %q has no path such as %s:///var/log/spans.jsonl", shown(t.To), u.Scheme)
	case port != "" && u.Hostname() == "":
		return fmt.Errorf("to: %q has no host, as in %s://127.0.0.1:%s", shown(t.To), u.Scheme, port)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("to: %q: an address has no user, query or fragment; credentials are headers", shown(t.To))
	case !headers && len(t.Headers) > 0:
		return fmt.Errorf("headers: %s has none", u.Scheme)
	case !withTLS && (t.CA != "" || t.Cert != "" || t.Key != ""):
		return fmt.Errorf("ca, cert and key are for TLS, and %s is without", u.Scheme)
	}
	t.host = u.Host
	if u.Port() == "" {
		t.host = strings.TrimSuffix(u.Host, ":") + ":" + port
	}
	if !withTLS {
		return nil
	}
	var err error
	t.tls, err = loadTLS(t.Destination)
	return err
}

func loadTLS(d *Destination) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.CA != "" {
		pem, err := os.ReadFile(d.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s has no PEM certificate", d.CA)
		}
	}
	if (d.Cert == "") != (d.Key == "") {
		return nil, errors.New("cert and key belong together: set both or neither")
	}
	if d.Cert != "" {
		cert, err := tls.LoadX509KeyPair(d.Cert, d.Key)
		if err != nil {
			return nil, fmt.Errorf("cert: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}

// shown is an address without what may be secret.
func shown(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		scheme, _, _ := strings.Cut(to, "://")
		return scheme + "://…"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// sortedHeaders are the headers as pairs, in a stable order.
func (t *target) sortedHeaders() (out [][2]string) {
	for k, v := range t.headers {
		out = append(out, [2]string{k, v})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}
