package store_test

import (
	"testing"
)

func TestCheckKeyFindsAForeignKey(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		must(t, s.CheckKey(t.Context()))
		insert(t, s)
		must(t, s.CheckKey(t.Context()))
		l.alter(t, `UPDATE audit SET checkpoint = replace(checkpoint, '— ', '— x')`)
		if err := s.CheckKey(t.Context()); err == nil {
			t.Error("a log with a foreign signature is accepted")
		}
	})
}
