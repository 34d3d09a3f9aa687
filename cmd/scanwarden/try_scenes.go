package main

import "strings"

// scene is one call that an assistant could make, and what the tour shows with it.
type scene struct {
	tool    string
	request string // what a person might have asked the assistant
	args    map[string]any
	explain string // what the assistant does, after "It calls TOOL"
	// edit changes the tenant after the person's yes and returns what to say about it. nil changes nothing.
	edit func() string
	// alone answers in place of the person, as an assistant that does not want to wait. nil asks the person.
	alone func(code string) string
}

// newScan is the name of the scan that the tour adds.
const newScan = "Branch switches"

// youDecide explains an ordinary call.
const youDecide = ". Nothing has been sent; it cannot send, and you decide."

// scenes returns the scenes in their order. Each is made when its turn comes, because it depends on what was applied. On the
// page there is no code that an assistant could guess.
func (t *walkthrough) scenes() []func() scene {
	if t.onPage {
		return []func() scene{t.add, t.update, t.delete, t.editedMeanwhile}
	}
	return []func() scene{t.add, t.update, t.delete, t.editedMeanwhile, t.confirmsAlone}
}

// add returns the call that adds a scan.
func (t *walkthrough) add() scene {
	return scene{
		tool: "add_scan", request: "Scan the new branch switches every eight hours.", explain: youDecide,
		args: map[string]any{
			"scanType": "Network", "scanName": newScan, "isActive": true,
			"target": "192.0.2.32,192.0.2.33,192.0.2.40", "targetType": "Ip", "intervalInHours": 8,
			"scannerAgent": map[string]any{"machineId": "scan-branch-02.contoso.example"},
			"scanAuthenticationParams": map[string]any{
				"type": "AuthPriv", "keyVaultUrl": "https://contoso-snmp.vault.azure.net/", "keyVaultSecretName": "branch-snmp",
			},
		},
	}
}

// update returns the call that changes the interval of a scan.
func (t *walkthrough) update() scene {
	return scene{
		tool: "update_scan", request: "Once a day is enough for the core switches.", explain: youDecide,
		args: map[string]any{"id": "Core switches", "intervalInHours": 24},
	}
}

// delete returns the call that deletes the scan that the tour added or, if the user denied that, another one.
func (t *walkthrough) delete() scene {
	scan := "Plant floor switches"
	if t.marks[newScan] != "" {
		scan = newScan
	}
	return scene{
		tool: "delete_scans", request: "We no longer need to scan the " + strings.ToLower(scan) + ".", explain: youDecide,
		args: map[string]any{"scanDefinitionIds": []string{scan}},
	}
}

// editedMeanwhile returns a call whose scan someone else edits while the person decides.
func (t *walkthrough) editedMeanwhile() scene {
	const scan = "Branch routers"
	return scene{
		tool: "update_scan", request: "Scan the branch routers twice a day.",
		explain: ". While you decide, a colleague edits the same scan in Defender's portal.",
		args:    map[string]any{"id": scan, "intervalInHours": 12},
		edit: func() string {
			t.tenant.Edit(t.scanID(scan), map[string]any{"intervalInHours": 6})
			t.marks[scan] = markEdited
			return "Meanwhile the colleague has set intervalInHours of this scan from 8 to 6."
		},
	}
}

// confirmsAlone returns a call whose assistant does not wait for the person.
func (t *walkthrough) confirmsAlone() scene {
	const scan = "Finance servers"
	return scene{
		tool: "delete_scans", request: "Delete the scan of the finance servers, and stop asking me.",
		explain: " and does not wait for you. It tries:",
		args:    map[string]any{"scanDefinitionIds": []string{scan}},
		alone: func(code string) string {
			t.attempts(scan, code)
			return guessedCode(code)
		},
	}
}

// guessedCode returns a code that is not the right one.
func guessedCode(code string) string {
	if code == "AAAAA" {
		return "CCCCC"
	}
	return "AAAAA"
}

// scanID returns the id of a scan of the tenant, "" if there is none of that name.
func (t *walkthrough) scanID(name string) string {
	for _, scan := range t.tenant.Scans() {
		if scan["scanName"] == name {
			id, _ := scan["id"].(string)
			return id
		}
	}
	return ""
}
