package entratest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"
)

// productionHosts lists the names that the fake's certificate is valid for: Entra ID's in the worldwide cloud,
// the US government cloud and the cloud in China.
var productionHosts = []string{"localhost", "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}

// newAuthority returns a new certificate authority as PEM, and a server certificate that it has signed. The
// certificate is valid for the production hosts and more. Both are valid for a year, which a synctest bubble can pass.
func newAuthority(more []string) (root []byte, own tls.Certificate) {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "entratest authority"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "entratest"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: slices.Concat(productionHosts, more), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	rootKey, serverKey := newECKey(), newECKey()
	rootDER := signCertificate(authority, authority, rootKey, rootKey)
	serverDER := signCertificate(server, authority, serverKey, rootKey)
	root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
	return root, tls.Certificate{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}
}

func newECKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("entratest: make a key: " + err.Error()) // only without a source of randomness
	}
	return key
}

func signCertificate(of, by *x509.Certificate, key, signer *ecdsa.PrivateKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, signer)
	if err != nil {
		panic("entratest: make a certificate: " + err.Error()) // the templates above are complete
	}
	return der
}
