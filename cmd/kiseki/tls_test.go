package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/kiseki-dev/kiseki/config"
)

// certificate writes a new self-signed certificate for 127.0.0.1 and returns
// its files and what a client must trust.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, data := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}

func TestAllListenersSpeakTLS(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	r := startServe(t, t.TempDir(), "--tls-cert", certFile, "--tls-key", keyFile, "--retention-age", "0")
	trust := &tls.Config{RootCAs: pool}
	for _, version := range []int{1, 2} {
		var p http.Protocols
		p.SetHTTP1(version == 1)
		p.SetHTTP2(version == 2)
		transport := &http.Transport{TLSClientConfig: trust.Clone(), Protocols: &p}
		r.client = &http.Client{Transport: transport}
		if !strings.HasPrefix(r.web, "https://") || !strings.HasPrefix(r.otlpHTTP, "https://") {
			t.Fatalf("printed addresses: %s, %s", r.web, r.otlpHTTP)
		}
		if status, body := r.get(t, "/readyz"); status != 200 {
			t.Errorf("HTTP/%d /readyz: %d %s", version, status, body)
		}
		if status := r.send(t, traceID, "hello"); status != 200 {
			t.Errorf("HTTP/%d OTLP: %d", version, status)
		}
		transport.CloseIdleConnections()
	}
	conn, err := grpc.NewClient(r.otlpGRPC, grpc.WithTransportCredentials(credentials.NewTLS(trust.Clone())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantServing(t, conn, "")
	wantServing(t, r.dialWeb(t, trust), "")
}

func TestBadCertificateIsAnError(t *testing.T) {
	_, keyFile, _ := certificate(t)
	if _, err := loadTLS(config.TLS{Cert: keyFile, Key: keyFile}); err == nil || !strings.Contains(err.Error(), "load TLS certificate") {
		t.Errorf("got %v", err)
	}
}
