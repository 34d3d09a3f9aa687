package tools_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/tools"
)

func TestARefusalIsOneSentence(t *testing.T) {
	for _, reason := range []string{"id is missing", "id is missing."} {
		r := &tools.Refusal{Reason: reason, Next: "call list_scans"}
		if got := r.Error(); got != "id is missing; call list_scans" {
			t.Errorf("%q becomes %q", reason, got)
		}
	}
}

// A lost answer is not a refusal: the result names the change, and does not say that nothing was changed.
func TestALostAnswerIsNoRefusal(t *testing.T) {
	cause := fmt.Errorf("%w: %w", confirm.ErrUnknownCommit, context.DeadlineExceeded)
	got := tools.Refused("add_scan", fmt.Errorf("propose: %w", &confirm.UnknownCommitError{Change: "01JD", Err: cause}))
	want := tools.Result{
		Status: "awaiting_confirmation", ChangeID: "01JD", Operation: "add_scan",
		Reason: "whether it was recorded is not known yet.", Next: "Do not repeat it: look with get_change 01JD.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
