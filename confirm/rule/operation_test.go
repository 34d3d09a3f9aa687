package rule_test

import (
	"strings"
	"testing"

	"scanwarden/confirm/rule"
)

func TestAnOperationThatDoesNotExist(t *testing.T) {
	for when, strange := range map[string]string{
		`operation == "delete_scans" && count > 3`:                "",
		`"delete_scans" == operation`:                             "",
		`operation != "add_scan"`:                                 "",
		`operation in ["add_scan", "update_scan"]`:                "",
		`"delete_scan" in scans`:                                  "", // a scan may be called so
		`operation == "delete_scan" && count > 3`:                 `"delete_scan"`,
		`count > 3 || !("delete" == operation)`:                   `"delete"`,
		`operation != "delete_Scans"`:                             `"delete_Scans"`,
		`operation in ["add_scan", "remove_scan"]`:                `"remove_scan"`,
		`scans.exists(s, s == "x" && operation == "delete_scan")`: `"delete_scan"`,
	} {
		source := []rule.Source{{Name: "r", When: when, Approvals: 2, Line: 7, Column: 9}}
		_, err := rule.Compile(source, "add_scan", "update_scan", "delete_scans")
		if (err != nil) != (strange != "") {
			t.Errorf("%s: %v", when, err)
		}
		if err != nil && (!strings.Contains(err.Error(), strange) || !strings.Contains(err.Error(), "line 7, column 9")) {
			t.Errorf("%s: %v", when, err)
		}
		if _, err := rule.Compile(source); err != nil {
			t.Errorf("%s, with no operations known: %v", when, err)
		}
	}
}
