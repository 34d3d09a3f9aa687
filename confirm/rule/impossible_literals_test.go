package rule_test

import (
	"strings"
	"testing"

	"scanwarden/confirm/rule"
)

func TestCompileRejectsImpossibleLiterals(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`operation == "delete_scans" && count > 3`:                                 "",
		`"delete_scans" == operation`:                                              "",
		`operation != "add_scan"`:                                                  "",
		`operation in ["add_scan", "update_scan"]`:                                 "",
		`"delete_scan" in scans`:                                                   "", // a scan may have this name
		`operation == "delete_scan" && count > 3`:                                  `operation with "delete_scan"`,
		`count > 3 || !("delete" == operation)`:                                    `operation with "delete"`,
		`operation != "delete_Scans"`:                                              `operation with "delete_Scans"`,
		`operation in ["add_scan", "remove_scan"]`:                                 `operation with "remove_scan"`,
		`scans.exists(s, s == "x" && operation == "delete_scan")`:                  `operation with "delete_scan"`,
		`via == "Slack" || via in ["MCP stdio", "MCP HTTP"]`:                       "",
		`scans.exists(via, via == "x") && person.all(operation, operation == "y")`: "", // the variables of a macro
		`scans.exists(s, via == s) || via == "x"`:                                  `via with "x"`,
		`via == "slack"`:                                                           `via with "slack", which it never is; write one of MCP stdio, MCP HTTP, Slack`,
		`requester == "token:ada"`:                                                 "",
		`requester in ["slack:T1/U1", "local:ada"]`:                                "",
		`requester.startsWith("token:")`:                                           "",
		`requester == "ada"`:                                                       `requester with "ada"`,
		`requester != "slack-group:S1"`:                                            `requester with "slack-group:S1"`,
		`requester == "entra:T/AB"`:                                                `write it in lower case: entra:t/ab`,
		`"entra:t/ab" in person`:                                                   "",
		`"entra:t/AB" in person`:                                                   `person with "entra:t/AB"`,
	} {
		source := []rule.Source{{Name: "r", When: when, Approvals: 2, Line: 7, Column: 9}}
		_, err := rule.Compile(source, "add_scan", "update_scan", "delete_scans")
		if (err != nil) != (want != "") {
			t.Errorf("%s: %v", when, err)
		}
		if err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line 7, column 9")) {
			t.Errorf("%s: %v", when, err)
		}
		if _, err := rule.Compile(source); strings.HasPrefix(want, "operation") && err != nil {
			t.Errorf("%s, with no operations known: %v", when, err)
		}
	}
}
