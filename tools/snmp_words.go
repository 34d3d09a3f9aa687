package tools

import (
	"regexp"
	"strings"
	"sync"
)

// The protocols that Microsoft documents. Its metadata types both fields as plain strings, so any other protocol is sent
// with a warning.
var (
	authProtocols = []string{"MD5", "SHA1"}
	privProtocols = []string{"DES", "3DES", "AES"}
)

// protocolWords maps the words that net-snmp, Cisco, Juniper, NetBox, pysnmp and RFC 3414, 3826 use for the documented
// protocols, in the form of plainWord. Words for other key lengths, such as SHA256 and AES256, mean other protocols.
var protocolWords = map[string]string{
	"md5": "MD5", "md596": "MD5", "hmacmd5": "MD5", "hmacmd596": "MD5", "usmhmacmd5": "MD5", "usmhmacmd5authprotocol": "MD5",
	"sha": "SHA1", "sha1": "SHA1", "sha96": "SHA1", "sha196": "SHA1", "hmacsha": "SHA1", "hmacsha1": "SHA1", "hmacsha96": "SHA1",
	"hmacsha196": "SHA1", "usmhmacsha": "SHA1", "usmhmacshaauthprotocol": "SHA1",
	"des": "DES", "des56": "DES", "cbcdes": "DES", "descbc": "DES", "usmdesprivprotocol": "DES",
	"3des": "3DES", "tdes": "3DES", "des3": "3DES", "tripledes": "3DES", "3desede": "3DES", "desede3": "3DES", "3des168": "3DES",
	"usm3desedeprivprotocol": "3DES",
	"aes":                    "AES", "aes128": "AES", "aescfb": "AES", "cfbaes": "AES", "aes128cfb": "AES", "aescfb128": "AES", "cfb128aes128": "AES", "aes128cfb128": "AES",
	"usmaescfb128": "AES", "usmaescfb128protocol": "AES",
}

// protocolShape matches the names of protocols, known or not. Any other text may be a password in the wrong field.
var protocolShape = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i)(usm|hmac|cfb|cbc|ede|protocol|auth|priv|md|sha|des|aes|triple|idea|none|no|c|[0-9]{1,3}|[ _./-])+$`)
})

// plainWord returns text in lower case and without the signs with which its parts are joined.
func plainWord(text string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "", ".", "").Replace(strings.ToLower(text))
}

// canonicalProtocol returns Microsoft's word for a protocol, or the given text if it means none of the known ones.
func canonicalProtocol(given string, known []string) string {
	word := protocolWords[plainWord(given)]
	for _, k := range known {
		if k == word {
			return k
		}
	}
	return given
}

// checkProtocol returns a *Refusal for text that is no name of a protocol. It does not repeat the text.
func checkProtocol(field, given string, known []string) error {
	if given == "" || len(given) <= 32 && protocolShape().MatchString(given) {
		return nil
	}
	return refuseAuthentication(field, "is not the name of a protocol").withHint("%s", "give one of "+strings.Join(known, ", "))
}

// authTypeWords maps other words for the types of authentication, in the form of plainWord.
var authTypeWords = map[string]string{
	"community": "CommunityString", "communitystring": "CommunityString",
	"noauthnopriv": "NoAuthNoPriv", "authnopriv": "AuthNoPriv", "authpriv": "AuthPriv",
	"kerberos": "Kerberos", "negotiate": "Negotiate",
}
