package web_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"scanwarden/confirm/web"
)

func mustProve(t testing.TB, name string, at time.Time) string {
	t.Helper()
	proof, err := web.NewProofs(key).Make(web.User{Principal: ada, Name: name}, at)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestAProofIdentifiesItsUserForTenMinutes(t *testing.T) {
	now := time.Now()
	proof, proofs := mustProve(t, "Ada Lovelace", now), web.NewProofs(key)
	if !regexp.MustCompile(`^[A-Z2-7]{50,150}$`).MatchString(proof) {
		t.Errorf("Slack may make something else of %q", proof)
	}
	for _, after := range []time.Duration{0, 9*time.Minute + 58*time.Second} {
		user, err := proofs.Open(" "+strings.ToLower(proof)+"\n", now.Add(after))
		if err != nil || user.Principal != ada || user.Name != "Ada Lovelace" {
			t.Errorf("after %s it is of %+v, %v", after, user, err)
		}
	}
	if _, err := proofs.Open(proof, now.Add(10*time.Minute)); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("after ten minutes: %v", err)
	}
}

func TestAnAlteredProofIsRefused(t *testing.T) {
	now := time.Now()
	proof, proofs := mustProve(t, "Ada", now), web.NewProofs(key)
	for i := range proof {
		for _, letter := range "AZ27" {
			altered := proof[:i] + string(letter) + proof[i+1:]
			if user, err := proofs.Open(altered, now); altered != proof && err == nil {
				t.Fatalf("letter %d altered: %+v", i, user)
			}
		}
		if _, err := proofs.Open(proof[:i], now); err == nil {
			t.Fatalf("cut to %d letters it is taken", i)
		}
	}
	for _, text := range []string{"", proof + "A", proof + proof, "not a proof", strings.Repeat("A", 1<<20), proof[:20] + "\n" + proof[20:], proof + "="} {
		if _, err := proofs.Open(text, now); err == nil || !strings.Contains(err.Error(), "open the link page again") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestAProofOfAnotherKeyIsRefused(t *testing.T) {
	now := time.Now()
	proof := mustProve(t, "Ada", now)
	for name, proofs := range map[string]web.Proofs{
		"other": web.NewProofs(make([]byte, 32)), "short": web.NewProofs([]byte("short")), "none": web.NewProofs(nil), "zero": {},
	} {
		if user, err := proofs.Open(proof, now); err == nil {
			t.Errorf("%s: %+v", name, user)
		}
	}
	// An empty key would be a key that everyone knows.
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(proof)
	if err != nil {
		t.Fatal(err)
	}
	keyless := hmac.New(sha256.New, nil)
	keyless.Write(raw[:len(raw)-16])
	copy(raw[len(raw)-16:], keyless.Sum(nil))
	if user, err := (web.Proofs{}).Open(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw), now); err == nil {
		t.Errorf("without a key: %+v", user)
	}
	for _, none := range []web.Proofs{{}, web.NewProofs(nil)} {
		if proof, err := none.Make(web.User{Principal: ada}, now); err == nil {
			t.Errorf("a proof is made without a key: %s", proof)
		}
	}
}

func TestALongNameIsCutWithinTheProof(t *testing.T) {
	now := time.Now()
	for _, name := range []string{strings.Repeat("x", 500), strings.Repeat("é", 100), strings.Repeat("世", 100), "\xff\xfe", ""} {
		user, err := web.NewProofs(key).Open(mustProve(t, name, now), now)
		if err != nil || len(user.Name) > 40 || !utf8.ValidString(user.Name) || !strings.HasPrefix(name, user.Name) {
			t.Errorf("%.20q became %q, %v", name, user.Name, err)
		}
	}
}

// FuzzProof checks that only a proof made with the same key is opened, and that it returns the same user.
func FuzzProof(f *testing.F) {
	now := time.Unix(1_790_000_000, 0)
	f.Add(mustProve(f, "Ada", now), "Ada")
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, text, name string) {
		proofs := web.NewProofs(bytes.Repeat([]byte{9}, 32))
		if user, err := proofs.Open(text, now); err == nil {
			t.Fatalf("%q is taken for %+v", text, user)
		}
		made, err := proofs.Make(web.User{Principal: ada, Name: name}, now)
		if err != nil {
			t.Fatal(err)
		}
		if user, err := proofs.Open(made, now); err != nil || user.Principal != ada {
			t.Fatalf("%q opens as %+v, %v", made, user, err)
		}
	})
}
