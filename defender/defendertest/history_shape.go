package defendertest

import (
	"fmt"
	"strings"
	"time"
)

// byScan is a row of "Get scan history by definition" as printed: the plural names hold one id each, and no
// session is named.
func (r run) byScan() ordered {
	return ordered{
		{"ScanDefinitionIds", r.scanID},
		{"LastScanned", timestamp(r.finished)},
		{"ScanStatus", r.status},
		{"ScannerId", r.scannerID},
	}
}

// bySession is a row of "Get scan history by session" as printed, its targets mended into an array.
func (r run) bySession() ordered {
	targets := make([]ordered, len(r.targets))
	for i, t := range r.targets {
		targets[i] = ordered{
			{"Ip", t.ip},
			{"Hostname", t.hostname},
			{"ScannedDeviceDescription", t.description()},
			{"ErrorMessage", t.problem},
			{"ScanStatus", t.status},
			{"ScanDuration", timeOfDay(t.took)},
		}
	}
	return ordered{
		{"orgId", orgID},
		{"ScanDefinitionIds", r.scanID},
		{"SessionIds", r.session},
		{"NumberOfSuccessfullyScannedTargets", r.successes()},
		{"NumberOfTargets", len(r.targets)},
		{"ScanStatus", r.status},
		{"LastScanned", timestamp(r.finished)},
		{"ListScannedTargets", targets},
	}
}

// contract is $metadata's AuthScanHistoryContract, one for both reads: without the time of the scan, and with
// the status in one word.
func (r run) contract() ordered {
	targets := make([]ordered, len(r.targets))
	for i, t := range r.targets {
		targets[i] = ordered{
			{"scanDuration", timeOfDay(t.took) + ".0000000"},
			{"ip", t.ip},
			{"hostname", t.hostname},
			{"scannedDeviceDescription", t.description()},
			{"errorMessage", t.problem},
			{"scanStatus", t.status},
		}
	}
	return ordered{
		{"orgId", orgID},
		{"scanDefinitionId", r.scanID},
		{"sessionId", r.session},
		{"scannerId", r.scannerID},
		{"numberOfSuccessfullyScannedTargets", r.successes()},
		{"numberOfTargets", len(r.targets)},
		{"scanStatus", strings.ReplaceAll(r.status, " ", "")},
		{"generalErrorMessage", nil},
		{"scannedTargets", targets},
	}
}

func (r run) successes() (n int) {
	for _, t := range r.targets {
		if t.status == "Success" {
			n++
		}
	}
	return n
}

func (t scanned) description() string {
	if t.status == "Success" {
		return "Network device"
	}
	return ""
}

// timeOfDay is $metadata's Edm.TimeOfDay.
func timeOfDay(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}
