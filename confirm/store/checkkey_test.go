package store_test

import (
	"testing"
)

func TestCheckKeyFindsAForeignOne(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		must(t, s.CheckKey(t.Context()))
		insert(t, s)
		must(t, s.CheckKey(t.Context()))
		l.alter(t, `UPDATE audit SET checkpoint = replace(checkpoint, '— ', '— x')`)
		if err := s.CheckKey(t.Context()); err == nil {
			t.Error("a log that somebody else has signed is taken for ours")
		}
	})
}
