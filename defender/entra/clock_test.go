package entra_test

import (
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func TestAClockThatIsOff(t *testing.T) {
	cases := map[time.Duration]string{
		3 * time.Hour:     "; this machine's clock is 3h0m0s behind Entra ID's: set it right first",
		-26 * time.Minute: "; this machine's clock is 26m0s ahead of Entra ID's: set it right first",
		4 * time.Minute:   "",
		-4 * time.Minute:  "",
	}
	for skew, want := range cases {
		inBubble(t, func(t *testing.T, f *fakeEntra) {
			f.set(func(f *fakeEntra) { f.skew = skew })
			f.answerNext(refusal(401, "invalid_client", 700024))
			problem := wantError(t, f.source(t, nil), entra.Error{
				Code: "AADSTS700024", OAuth: "invalid_client", Status: 401, Correlation: correlation,
			})
			const known = "the credential is not valid at this time: check this machine's clock and the end of the certificate or token"
			if problem.Hint != known+want {
				t.Errorf("%v: got  %s\nwant %s", skew, problem.Hint, known+want)
			}
		})
	}
}

func TestATokenThatIsOverWhenItComes(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		f.set(func(f *fakeEntra) { f.lifetime = -60 })
		wantHint(t, wantError(t, f.source(t, nil), entra.Error{}), "had expired when it came: check this machine's clock")
	})
}
