package defendertest

import (
	_ "embed"
	"net/http"
	"strings"
)

//go:embed metadata.xml
var metadataXML string

// getMetadata answers with the entity model, written here from the types that a captured $metadata declares; it
// is not that document. It names the vault address as the options have it.
func (s *Server) getMetadata(*request) (response, error) {
	body := strings.ReplaceAll(metadataXML, "KEY_VAULT_FIELD", s.options.keyVaultField())
	return response{status: http.StatusOK, contentType: "application/xml", body: []byte(body)}, nil
}
