package defendertest

import (
	_ "embed"
	"net/http"
	"strings"
)

//go:embed metadata.xml
var metadataXML string

// getMetadata returns the entity model. The document was written from the types in a captured $metadata, but is not that
// document. The name of the vault address is that of the options.
func (s *Server) getMetadata(*request) (response, error) {
	body := strings.ReplaceAll(metadataXML, "KEY_VAULT_FIELD", s.options.keyVaultField())
	return response{status: http.StatusOK, contentType: "application/xml", body: []byte(body)}, nil
}
