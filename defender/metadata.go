package defender

import (
	"context"
	"encoding/xml"
	"net/http"
	"strings"
)

// The two spellings of the vault's address: keyVaultUrl on the property page (keyVaultUri in 2022), and keyVaultUri in the
// service's $metadata.
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

// KeyVaultField returns the name that $metadata declares for the address of a key vault on AuthParamsBase: "keyVaultUrl"
// or "keyVaultUri", the former if both, or an error if neither. GET /api/$metadata.
func (c *Client) KeyVaultField(ctx context.Context, actor Actor) (string, error) {
	r := request{op: "read metadata", method: http.MethodGet, path: "/api/$metadata", accept: "application/xml", actor: actor}
	resp, err := c.readWithRetry(ctx, r)
	if err != nil {
		return "", err
	}
	var doc metadata
	if err := xml.Unmarshal(resp.body, &doc); err != nil {
		return "", bodyError(r, resp, "the response is not an XML document", err)
	}
	for _, field := range []string{keyVaultURL, keyVaultURI} {
		if doc.declares("AuthParamsBase", field) {
			return field, nil
		}
	}
	return "", &Error{
		Op:      r.op,
		Status:  resp.status,
		Message: "AuthParamsBase declares neither keyVaultUrl nor keyVaultUri",
		Next:    "use keyVaultUrl, the documented name, and check that the scan authenticates",
	}
}

// declares reports whether m has the type with the property. Letter case is ignored, because the service's own documents
// differ in it.
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
