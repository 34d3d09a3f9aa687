package defender

import (
	"context"
	"encoding/xml"
	"net/http"
	"strings"
)

// The two spellings of the vault's address: the property page says keyVaultUrl (keyVaultUri in 2022), the service's
// $metadata keyVaultUri.
const (
	keyVaultURL = "keyVaultUrl"
	keyVaultURI = "keyVaultUri"
)

// metadata is the part of an OData CSDL document that declares types and their properties.
type metadata struct {
	Entities []metadataType `xml:"DataServices>Schema>EntityType"`
	Complex  []metadataType `xml:"DataServices>Schema>ComplexType"`
}

type metadataType struct {
	Name       string `xml:"Name,attr"`
	Properties []struct {
		Name string `xml:"Name,attr"`
	} `xml:"Property"`
}

// KeyVaultField reads $metadata and returns the name it declares for the address of a key vault on
// AuthParamsBase: "keyVaultUrl" or "keyVaultUri", the former if both. It is an error if it declares neither.
// GET /api/$metadata.
func (c *Client) KeyVaultField(ctx context.Context, by Actor) (string, error) {
	r := call{op: "read metadata", method: http.MethodGet, path: "/api/$metadata", accept: "application/xml", by: by}
	a, err := c.read(ctx, r)
	if err != nil {
		return "", err
	}
	var doc metadata
	if err := xml.Unmarshal(a.body, &doc); err != nil {
		return "", unreadable(r, a, "the answer is not an XML document", err)
	}
	for _, field := range []string{keyVaultURL, keyVaultURI} {
		if doc.declares("AuthParamsBase", field) {
			return field, nil
		}
	}
	return "", &Error{
		Op:      r.op,
		Status:  a.status,
		Message: "AuthParamsBase declares neither keyVaultUrl nor keyVaultUri",
		Next:    "use keyVaultUrl, the documented name, and check that the scan authenticates",
	}
}

// declares ignores letter case, in which the service's own documents differ.
func (m metadata) declares(typeName, property string) bool {
	for _, t := range append(m.Entities, m.Complex...) {
		for _, p := range t.Properties {
			if strings.EqualFold(t.Name, typeName) && strings.EqualFold(p.Name, property) {
				return true
			}
		}
	}
	return false
}
