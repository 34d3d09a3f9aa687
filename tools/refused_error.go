package tools

import (
	"errors"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// IsRefusal reports whether err, of Service.Propose or of a Gate, proves that nothing was recorded: it is a refusal, or
// Defender could not be read for the plan. Any other error may be that of a COMMIT that the database has carried out: its
// answer was lost, or the caller's time was up. IsRefusal returns false for nil.
func IsRefusal(err error) bool {
	_, refused := errors.AsType[*Refusal](err)
	_, unread := errors.AsType[*defender.Error](err)
	return refused || unread ||
		errors.Is(err, confirm.ErrRefused) || errors.Is(err, confirm.ErrMoved) || errors.Is(err, confirm.ErrNotFound)
}
