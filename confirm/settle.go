package confirm

import (
	"context"
	"fmt"
)

// Settle ends a change of unknown outcome as an operator has found it in Defender: as is Applied or Failed. The change
// then no longer keeps others of the same scans waiting. It returns the change after it, and ErrRefused for a change in
// another state or for another end.
func (g *Gate) Settle(ctx context.Context, id string, as State, by Principal) (Change, error) {
	c, err := g.Change(ctx, id)
	if err != nil {
		return c, err
	}
	switch {
	case c.State != Unknown:
		return c, asRefusal(fmt.Errorf("only a change of unknown outcome can be settled, and this one is %s", c.State))
	case as != Applied && as != Failed:
		return c, asRefusal(fmt.Errorf("a change is settled as %s or %s, not as %q", Applied, Failed, as))
	}
	if err := g.report(ctx, g.mac.verifyChange(c)); err != nil {
		return c, err
	}
	out := &Outcome{State: as, Reason: fmt.Sprintf("%s looked in Defender and settled it as %s", by, as)}
	return g.move(ctx, c, Move{To: as, Outcome: out, Note: "settled by an operator: " + string(by)})
}
