package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
)

// parseKeySet returns the keys of a key set (RFC 7517) that verify tokens of the issuer. It skips other keys, so that
// a key of a new type does not lock all callers out. A set without any such key is an error, because Entra never
// sends one.
func parseKeySet(raw []byte, i tokenIssuer) (keyfunc.Keyfunc, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, errors.New("the answer is not a key set; check for a proxy in between")
	}
	store, found := jwkset.NewMemoryStorage(), 0
	for _, each := range set.Keys {
		var scope keyScope
		if json.Unmarshal(each, &scope) != nil || !scope.verifiesTokensOf(i) {
			continue
		}
		key, err := jwkset.NewJWKFromMarshal(scope.JWKMarshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil {
			continue
		}
		if err := store.KeyWrite(context.Background(), key); err != nil {
			return nil, err
		}
		found++
	}
	if found == 0 {
		return nil, errors.New("the answer has no RSA key for tokens of this tenant; check for a proxy in between")
	}
	return keyfunc.New(keyfunc.Options{Storage: store})
}

// tokenIssuer is the issuer of the tokens that this server accepts.
type tokenIssuer struct {
	tenant string // GUID
	url    string // value of the claim iss: AUTHORITY/TENANT/v2.0
}

// keyScope is a key with what limits its use.
type keyScope struct {
	jwkset.JWKMarshal
	// Issuer is Microsoft's extension: the issuer whose tokens the key verifies, with {tenantid} for any tenant. nil
	// means that the document does not limit the key.
	Issuer *string `json:"issuer"`
}

// verifiesTokensOf reports whether the key may verify RS256 signatures of tokens of the issuer. The library compares
// the algorithm of the key, if the document names one, with that of the token. Documents also list
// keys for personal accounts and for single tenants. Such a key proves nothing about another tenant's token
// (Microsoft Learn, access-tokens, "Validate the signing key issuer").
func (k keyScope) verifiesTokensOf(i tokenIssuer) bool {
	switch {
	case k.KTY != jwkset.KtyRSA || k.KID == "":
		return false
	case k.USE != "" && k.USE != jwkset.UseSig:
		return false
	case len(k.KEYOPS) > 0 && !slices.Contains(k.KEYOPS, jwkset.KeyOpsVerify):
		return false
	}
	return k.Issuer == nil || strings.EqualFold(strings.Replace(*k.Issuer, "{tenantid}", i.tenant, 1), i.url)
}
