package form_test

import (
	"encoding/json"
	"strings"
	"testing"

	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// TestAFormOffersConfiguredCredentialsOnly: what an approver types takes the page, and Slack asks in Slack.
func TestAFormOffersConfiguredCredentialsOnly(t *testing.T) {
	operations, err := tools.Catalogue([]string{"core-snmp"})
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		if op.Name != "add_scan" && op.Name != "update_scan" {
			continue
		}
		f, err := form.New(op)
		if err != nil {
			t.Fatal(err)
		}
		modal, err := json.Marshal(f.FullForm(nil, nil, ""))
		if err != nil {
			t.Fatal(err)
		}
		text := string(modal) + f.FieldHelp()
		if !strings.Contains(text, "core-snmp") || strings.Contains(text, `"ask"`) || strings.Contains(text, `\"ask\"`) || strings.Contains(text, "ask,") {
			t.Errorf("the form of %s offers:\n%s", op.Name, text)
		}
	}
}
