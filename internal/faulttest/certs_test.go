package faulttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"time"
)

// authority signs the certificates of this suite; clients are told to trust it.
var authority = sync.OnceValue(func() tls.Certificate {
	return certificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: "faulttest CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil)
})

var trusted = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority().Leaf)
	return pool
})

func certificate(c *x509.Certificate, parent *tls.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(24*time.Hour)
	}
	issuer, signer := c, any(key)
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, signer)
	must(err)
	leaf, err := x509.ParseCertificate(der)
	must(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// server is the configuration of a server whose certificate differs from a good
// one as change says.
func server(change func(*x509.Certificate), protocols ...string) *tls.Config {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "api"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(c)
	}
	ca := authority()
	return &tls.Config{Certificates: []tls.Certificate{certificate(c, &ca)}, NextProtos: protocols}
}

// stranger is signed by nobody the client knows.
func stranger() *tls.Config {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "api"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	return &tls.Config{Certificates: []tls.Certificate{certificate(c, nil)}}
}
