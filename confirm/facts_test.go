package confirm_test

import (
	"testing"

	"scanwarden/confirm"
)

// The digest that versions before facts computed for deleteTwo. Existing ledgers hold such digests.
const digestBeforeFacts = "sha256:4808b81257fb395864f8a2535df179d23c95797a7ede6a7e015fcec1feb5e630"

func TestAChangeWithoutFactsKeepsItsDigest(t *testing.T) {
	t.Parallel()
	for name, facts := range map[string]confirm.Facts{"none": {}, "empty lists": {Scans: []string{}, Scanners: []string{}}} {
		p := deleteTwo()
		p.Facts = facts
		if got, err := p.Digest(); err != nil || got != digestBeforeFacts {
			t.Errorf("%s: the digest is %s (%v), want %s", name, got, err, digestBeforeFacts)
		}
	}
}

// The digest of deleteMany(4), which later versions must keep.
const digestWithFacts = "sha256:5e226854157abca973ac89d5202697f81f88003d66e3791696954a4b7a672a50"

func TestAChangeWithFactsKeepsItsDigest(t *testing.T) {
	t.Parallel()
	if got, err := deleteMany(4).Digest(); err != nil || got != digestWithFacts {
		t.Errorf("the digest is %s (%v), want %s", got, err, digestWithFacts)
	}
}

func TestTheDigestBindsEveryFact(t *testing.T) {
	t.Parallel()
	seen := map[string]string{digestBeforeFacts: "no facts"}
	for name, facts := range map[string]confirm.Facts{
		"a scan":            {Scans: []string{"a"}},
		"two scans":         {Scans: []string{"a", "b"}},
		"a scanner":         {Scanners: []string{"a"}},
		"a count":           {Count: 1},
		"addresses":         {Addresses: 1},
		"public addresses":  {PublicAddresses: 1},
		"host names":        {Hostnames: 1},
		"a silent scanner":  {InactiveScanner: true},
		"a credential":      {Credential: "a"},
		"a secret replaced": {ReplacesSecret: true},
	} {
		p := deleteTwo()
		p.Facts = facts
		got, err := p.Digest()
		if err != nil || seen[got] != "" {
			t.Errorf("%s has the digest of %s (%v)", name, seen[got], err)
		}
		seen[got] = name
		if facts.Empty() {
			t.Errorf("%s is reported as empty", name)
		}
	}
}
