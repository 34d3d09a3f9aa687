package entra

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

func loadCertificate(path string) (clientCredential, error) {
	data, err := readFile(path, maxCertificate)
	if err != nil {
		return clientCredential{}, fmt.Errorf("the certificate cannot be read: %w; check %s", err, envCertificate)
	}
	pair, err := parsePEM(data)
	if err != nil {
		return clientCredential{}, fmt.Errorf("the file %s (%s) %w", path, envCertificate, err)
	}
	cred, err := confidential.NewCredFromCert(pair.chain, pair.key)
	if err != nil {
		return clientCredential{}, fmt.Errorf("the file %s (%s) holds a key that belongs to none of its certificates: put a matching pair there",
			path, envCertificate)
	}
	return clientCredential{Credential: cred, sendChain: len(pair.chain) > 1}, nil
}

// keyPair is the content of a PEM file: one key and the certificates in file order.
type keyPair struct {
	key   *rsa.PrivateKey
	chain []*x509.Certificate
}

// parsePEM returns the key and certificates in data. It replaces MSAL's CertFromPEM, which skips an encrypted
// or elliptic key silently and then reports it missing. Its errors continue a sentence that begins with the
// file's name.
func parsePEM(data []byte) (keyPair, error) {
	var pair keyPair
	block, rest := pem.Decode(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	if utf8Text := bytes.ReplaceAll(data, []byte{0}, nil); block == nil && len(utf8Text) < len(data) && bytes.Contains(utf8Text, []byte("-----BEGIN ")) {
		return pair, errors.New("is UTF-16 text: save it as UTF-8")
	}
	if block == nil {
		return pair, errors.New("is not PEM: convert a .pfx with openssl pkcs12 -in FILE.pfx -nodes -out FILE.pem")
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		if err := pair.addBlock(block); err != nil {
			return pair, err
		}
	}
	if pair.key == nil {
		return pair, errors.New("holds no private key: put the RSA key in PEM form beside the certificate")
	}
	if len(pair.chain) == 0 {
		return pair, errors.New("holds no certificate: put the one registered on the app in PEM form beside the key")
	}
	return pair, nil
}

func (p *keyPair) addBlock(block *pem.Block) error {
	if _, encrypted := block.Headers["DEK-Info"]; encrypted || block.Type == "ENCRYPTED PRIVATE KEY" {
		return errors.New("holds an encrypted key: write it with openssl pkcs8 -topk8 -nocrypt and protect the file by its permissions")
	}
	switch block.Type {
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return errors.New("holds a damaged certificate: export it again")
		}
		p.chain = append(p.chain, cert)
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		if p.key != nil {
			return errors.New("holds more than one private key: keep the one that belongs to the certificate")
		}
		key, err := parsePrivateKey(block)
		if err != nil {
			return err
		}
		p.key = key
	}
	return nil
}

// parsePrivateKey returns the RSA key in block. It never quotes the parsers' errors: what they failed to read
// is a private key.
func parsePrivateKey(block *pem.Block) (*rsa.PrivateKey, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, errors.New("holds a damaged private key: export it again")
	}
	pair, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("holds a key that is not RSA: Entra ID takes certificates with RSA keys only")
	}
	return pair, nil
}
