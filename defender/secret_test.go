package defender_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"scanwarden/defender"
)

const canary = "hunter2-canary"

// secretSpellings returns the forms in which a printer could show the canary.
func secretSpellings() []string {
	decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	return []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary), decimal,
		strings.ReplaceAll(decimal, " ", ", "), fmt.Sprintf("%q", []byte(canary)), "aHVudGVyMi1jYW5hcnk"}
}

func assertHidden(t *testing.T, how, shown string) {
	t.Helper()
	for _, s := range secretSpellings() {
		if strings.Contains(shown, s) {
			t.Errorf("%s shows the secret: %s", how, shown)
		}
	}
}

func TestSecretNeverShowsItself(t *testing.T) {
	secret := defender.NewSecret(canary)
	type exported struct{ S defender.Secret }
	type unexported struct{ s defender.Secret }
	values := map[string]any{
		"value":             secret,
		"pointer":           &secret,
		"exported field":    exported{secret},
		"unexported field":  unexported{secret},
		"pointer to struct": &unexported{secret},
		"slice":             []defender.Secret{secret},
		"map":               map[string]defender.Secret{"k": secret},
		"any":               []any{secret, &secret},
		"authentication":    defender.Authentication{Type: "AuthPriv", AuthPassword: secret, PrivPassword: secret, CommunityString: secret},
	}
	for name, v := range values {
		for _, verb := range "vsdqxXbcoOUeEfFgGtTpw" {
			for _, flags := range []string{"", "+", "#", " ", "0", "-30", ".3", "# "} {
				format := "%" + flags + string(verb)
				assertHidden(t, name+" "+format, fmt.Sprintf(format, v))
			}
		}
		assertHidden(t, name+" in an error", fmt.Errorf("failed: %w, %v", errors.New("x"), v).Error())
		wrap := "failed: %w" // a variable, because vet refuses the constant
		assertHidden(t, name+" as a wrapped non-error", fmt.Errorf(wrap, v).Error())
		for how, shown := range formattedBy(v) {
			assertHidden(t, name+" by "+how, shown)
		}
	}
}

func formattedBy(v any) map[string]string {
	var text, js bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&js, nil)} {
		slog.New(h).Info("m", "v", v, slog.Group("g", "v", v))
	}
	shown := map[string]string{"slog text": text.String(), "slog JSON": js.String()}
	for how, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "XML": xml.Marshal} {
		data, err := marshal(v)
		shown[how] = fmt.Sprint(string(data), err)
	}
	return shown
}

func TestSecretShowsRedacted(t *testing.T) {
	s := defender.NewSecret(canary)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s)
	js, _ := json.Marshal(map[string]any{"s": s})
	for got, want := range map[string]string{
		s.String():                          "[redacted]",
		fmt.Sprintf("%#v", s):               "[redacted]",
		fmt.Sprintf("%x|", s):               "[redacted]|",
		string(js):                          `{"s":"[redacted]"}`,
		log.String()[len(log.String())-13:]: "s=[redacted]\n",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSecretComesOutByRevealAlone(t *testing.T) {
	stop := errors.New("stop")
	for _, want := range []string{canary, ""} {
		s := defender.NewSecret(want)
		var got string
		if err := s.Reveal(func(plain string) error { got = plain; return stop }); err != stop || got != want {
			t.Errorf("Reveal gave %q, %v, want %q and its own error", got, err, want)
		}
		if s.Empty() != (want == "") {
			t.Errorf("Empty() = %v for %q", s.Empty(), want)
		}
	}
	if !(defender.Secret{}).Empty() {
		t.Error("the zero Secret is not empty")
	}
}
