package tools

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// secretFields lists the fields that carry secrets: Microsoft's, and the words of SNMP tools for them. They are in the
// form that isSecret compares.
var secretFields = []string{
	"authpassword", "privpassword", "communitystring", "password", "privatekey",
	"authpassphrase", "privpassphrase", "passphrase", "authkey", "privkey", "community", "snmpcommunity", "passwd",
}

// secretInText matches the name of a secret and the sign behind it in text that need not be JSON, such as
// {'authPassword': 'x'}, community_string=x or <password>x.
var secretInText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)((?:(?:auth|priv)[_ -]?)?(?:password|passphrase|passwd)|community[_ -]?string|private[_ -]?key)` +
		"[\\\\\"'`“”„‘’\\s]*[:=>]")
})

// isSecret reports whether the last part of a dotted name is a secret's, whatever its letter case and punctuation.
func isSecret(name string) bool {
	return slices.Contains(secretFields, plainWord(lastPart(name)))
}

// lastPart returns the part of a dotted name behind the last dot.
func lastPart(name string) string { return name[strings.LastIndex(name, ".")+1:] }

// secretNames collects the names of the secrets that were sent, at most eight. It holds no value.
type secretNames []string

// addField adds the name of a field if the field is a secret, and the names of secrets in its text.
func (s *secretNames) addField(name string) {
	if isSecret(name) {
		s.add(lastPart(name)) // the parts before it may be anything, even a secret
	}
	s.addText(name)
}

// addText adds the names of the secrets to which text gives values.
func (s *secretNames) addText(text string) {
	for _, found := range secretInText().FindAllStringSubmatch(text, 8) {
		s.add(found[1])
	}
}

func (s *secretNames) add(name string) {
	name = strings.TrimSpace(name)
	same := func(known string) bool { return plainWord(known) == plainWord(name) }
	if len(*s) < 8 && !slices.ContainsFunc(*s, same) {
		*s = append(*s, name)
	}
}

// RefuseSecrets returns a *Refusal if texts give a value to a secret by its name, and nil otherwise. It is for
// interfaces that must look for secrets in text before they know its fields. The refusal repeats no value.
func RefuseSecrets(texts ...string) error {
	var found secretNames
	for _, text := range texts {
		found.addText(text)
		found.addJSON(text, 1)
	}
	if len(found) == 0 {
		return nil
	}
	return refuseSecrets(found)
}

// addJSON adds the names of the secrets in text, if it is JSON. It returns a *Refusal if the text is nested so deep that
// it was not read to its end.
func (s *secretNames) addJSON(text string, level int) error {
	if !startsLikeJSON(text) {
		return nil
	}
	if level > maxTextLevels {
		return errTextTooDeep()
	}
	r := newTokenReader(text)
	r.level = level
	_, _ = r.readValue(0) // text that is not JSON is only text
	for _, name := range r.secrets {
		s.add(name)
	}
	return r.unread
}

func errTextTooDeep() *Refusal {
	return refuse("", "JSON text is nested too deep").withHint("send the arguments as the schema shows")
}

// refuseSecrets returns a *Refusal that names every secret that was sent, because all of them must be rotated.
func refuseSecrets(fields []string) error {
	sentence := "%s is a secret and is not taken here; everyone who can read this call has seen it, so consider it exposed and rotate it"
	if len(fields) > 1 {
		sentence = "%s are secrets and are not taken here; everyone who can read this call has seen them, so consider them exposed and rotate them"
	}
	return refuse(fields[0], sentence, strings.Join(quoteAll(fields), ", ")).
		withHint("leave them out, and name a configured credential or a Key Vault secret (scanAuthenticationParams.keyVaultUrl and keyVaultSecretName), or set credential to %s, instead", quote(AskCredential))
}
