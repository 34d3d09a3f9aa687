package defender_test

import (
	"testing"

	"scanwarden/defender"
)

func TestKeyVaultField(t *testing.T) {
	for name, tt := range map[string]struct{ property, want string }{
		"uri":        {"keyVaultUri", "keyVaultUri"},
		"url":        {"keyVaultUrl", "keyVaultUrl"},
		"other case": {"KeyVaultURI", "keyVaultUri"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, respond(200, metadata("ComplexType", "AuthParamsBase", tt.property)))
			got, err := newClient(t, s.config()).KeyVaultField(t.Context(), defender.Actor{})
			if got != tt.want || err != nil {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
			if call := s.requests()[0]; call.URI != "/api/$metadata" || call.Accept != "application/xml" {
				t.Errorf("requested %s as %s", call.URI, call.Accept)
			}
		})
	}
	for _, body := range []string{metadata("ComplexType", "AuthParamsBase", "type"), metadata("ComplexType", "Other", "keyVaultUrl"), `{}`, ``, `<a>`} {
		s := startService(t, respond(200, body))
		if got, err := newClient(t, s.config()).KeyVaultField(t.Context(), defender.Actor{}); got != "" || asError(t, err).Next == "" {
			t.Errorf("%q gave %q, %v", body, got, err)
		}
	}
}

func metadata(kind, name, property string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
 <Schema Namespace="microsoft.windowsDefenderATP.api" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityType Name="Machine"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.String"/></EntityType>
 </Schema>
 <Schema Namespace="other" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <` + kind + ` Name="` + name + `" Abstract="true"><Property Name="` + property + `" Type="Edm.String"/></` + kind + `>
 </Schema></edmx:DataServices></edmx:Edmx>`
}
