package defendertest

import (
	"fmt"
	"strings"
	"time"
)

// definitionRow returns r as a row of "Get scan history by definition" as printed: the plural names hold one id each, and
// there is no session.
func (r run) definitionRow() orderedObject {
	return orderedObject{
		{"ScanDefinitionIds", r.scanID},
		{"LastScanned", formatTime(r.finished)},
		{"ScanStatus", r.status},
		{"ScannerId", r.scannerID},
	}
}

// sessionRow returns r as a row of "Get scan history by session" as printed, with the targets corrected to an array.
func (r run) sessionRow() orderedObject {
	targets := make([]orderedObject, len(r.targets))
	for i, t := range r.targets {
		targets[i] = orderedObject{
			{"Ip", t.ip},
			{"Hostname", t.hostname},
			{"ScannedDeviceDescription", t.description()},
			{"ErrorMessage", t.problem},
			{"ScanStatus", t.status},
			{"ScanDuration", timeOfDay(t.duration)},
		}
	}
	return orderedObject{
		{"orgId", orgID},
		{"ScanDefinitionIds", r.scanID},
		{"SessionIds", r.session},
		{"NumberOfSuccessfullyScannedTargets", r.countSuccesses()},
		{"NumberOfTargets", len(r.targets)},
		{"ScanStatus", r.status},
		{"LastScanned", formatTime(r.finished)},
		{"ListScannedTargets", targets},
	}
}

// contractRow returns r as $metadata's AuthScanHistoryContract, the same for both reads. It has no time of the scan, and
// the status is one word.
func (r run) contractRow() orderedObject {
	targets := make([]orderedObject, len(r.targets))
	for i, t := range r.targets {
		targets[i] = orderedObject{
			{"scanDuration", timeOfDay(t.duration) + ".0000000"},
			{"ip", t.ip},
			{"hostname", t.hostname},
			{"scannedDeviceDescription", t.description()},
			{"errorMessage", t.problem},
			{"scanStatus", t.status},
		}
	}
	return orderedObject{
		{"orgId", orgID},
		{"scanDefinitionId", r.scanID},
		{"sessionId", r.session},
		{"scannerId", r.scannerID},
		{"numberOfSuccessfullyScannedTargets", r.countSuccesses()},
		{"numberOfTargets", len(r.targets)},
		{"scanStatus", strings.ReplaceAll(r.status, " ", "")},
		{"generalErrorMessage", nil},
		{"scannedTargets", targets},
	}
}

// countSuccesses returns how many targets were scanned successfully.
func (r run) countSuccesses() (n int) {
	for _, t := range r.targets {
		if t.status == "Success" {
			n++
		}
	}
	return n
}

func (t scannedTarget) description() string {
	if t.status == "Success" {
		return "Network device"
	}
	return ""
}

// timeOfDay returns d in the form of $metadata's Edm.TimeOfDay.
func timeOfDay(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}
