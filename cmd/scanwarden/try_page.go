package main

import (
	"context"
	"fmt"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// confirmOnPage lets the user of the tour confirm on a page in their browser. It returns what to change about the server,
// or an error if no browser can be opened.
func (t *walkthrough) confirmOnPage(e environment, cfg *config.Config) (alter func(*server.Builder), err error) {
	open, err := server.FindBrowser(e.env["SCANWARDEN_BROWSER"], e.env)
	if err != nil {
		return nil, fmt.Errorf("try --page needs a browser: %w; run scanwarden try without --page", err)
	}
	t.onPage = true
	cfg.ConfirmWith = []string{"page"}
	return func(b *server.Builder) {
		b.PageUser = "token:default"
		b.OpenBrowser = func(ctx context.Context, url string) error {
			t.announcePage()
			return open(ctx, url)
		}
	}, nil
}

// announcePage says where to decide, and does what someone else does meanwhile.
func (t *walkthrough) announcePage() {
	t.paragraph(terminal.Text("The change opens on a page in your browser: decide there."))
	if t.scene.edit != nil {
		t.paragraph(terminal.Styled(terminal.Yellow, t.scene.edit()))
	}
}

// callAndWait makes the call of the scene and returns how its change ended, however long the user takes on the page.
func (t *walkthrough) callAndWait(session *mcpserver.Client) (tools.Result, error) {
	result, err := session.Call(t.ctx, t.scene.tool, t.scene.args)
	for t.onPage && err == nil && result.Status == "awaiting_confirmation" {
		result, err = session.Call(t.ctx, "get_change", map[string]any{"change_id": result.ChangeID, "wait_seconds": 50})
	}
	if t.onPage {
		t.refused = result.Status == "denied"
	}
	return result, err
}
