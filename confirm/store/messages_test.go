package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
)

func TestMessagesAreStoredAndFoundOutdated(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		question := confirm.Message{Change: c.ID, Channel: "C1", Kind: "question"}
		word := confirm.Message{Change: c.ID, Channel: "C1", Kind: "word", Message: "2.0"}
		must(t, s.SaveMessage(t.Context(), question))
		must(t, s.SaveMessage(t.Context(), word))
		question.Message, question.Reminded = "1.0", true
		must(t, s.SaveMessage(t.Context(), question)) // replaces

		got, err := l.openStore(t).Messages(t.Context(), c.ID)
		must(t, err)
		if diff := cmp.Diff([]confirm.Message{question, word}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if got, err = s.OutdatedMessages(t.Context(), confirm.Message{}, 10); err != nil || len(got) != 0 {
			t.Errorf("nothing has moved, and %v is outdated (%v)", got, err)
		}
		c = mustMove(t, s, c, approval("ada"))
		if got, err = s.OutdatedMessages(t.Context(), confirm.Message{}, 1); err != nil || len(got) != 1 {
			t.Errorf("outdated, at most one: %v (%v)", got, err)
		}
		if got, err = s.OutdatedMessages(t.Context(), got[0], 10); err != nil || len(got) != 1 || got[0].Kind != "word" {
			t.Errorf("outdated, after the first: %v (%v)", got, err)
		}
		word.Version, question.Version = c.Version, c.Version
		must(t, s.SaveMessage(t.Context(), word))
		must(t, s.SaveMessage(t.Context(), question))
		if got, err = s.OutdatedMessages(t.Context(), confirm.Message{}, 10); err != nil || len(got) != 0 {
			t.Errorf("all are up to date, and %v is outdated (%v)", got, err)
		}
	})
}
