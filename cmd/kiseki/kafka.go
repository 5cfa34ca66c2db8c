package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/kafka"
)

// startKafka begins to take spans from Kafka where brokers are set.
func (s *server) startKafka(o ingest.Options) error {
	c := s.config.Kafka
	if len(c.Brokers) == 0 {
		return nil
	}
	k := kafka.Options{Ingest: o, Brokers: c.Brokers, Topics: map[string]string{}, Group: c.Group, User: c.User, Password: c.Password, Mechanism: c.SASL}
	for _, topic := range c.Topics {
		name, encoding, ok := strings.Cut(topic, "=")
		if !ok {
			encoding = kafka.OTLPProto
		}
		k.Topics[name] = encoding
	}
	var err error
	if k.TLS, err = kafkaTLS(c); err != nil {
		return err
	}
	r, err := kafka.New(k)
	if err != nil {
		return err
	}
	s.drains = append(s.drains, r.Shutdown)
	return nil
}

func kafkaTLS(c config.Kafka) (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA == "" {
		return out, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("kafka.ca: %w", err)
	}
	out.RootCAs = x509.NewCertPool()
	if !out.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("kafka.ca: %s has no PEM certificate", c.CA)
	}
	return out, nil
}

// toldKafka is what /server says of it, beside the listeners.
func (s *server) toldKafka() native.Listener {
	n := native.Listener{Title: "Kafka", Setting: "kafka.brokers", State: native.ListenerOff}
	if c := s.config.Kafka; len(c.Brokers) > 0 {
		n.State, n.Address = native.ListenerOpen, strings.Join(c.Brokers, ",")
	}
	return n
}
