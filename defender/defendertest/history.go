package defendertest

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxTop = 10_000 // the documented limit of $top since January 2026; 4,096 before

// run is one finished scan.
type run struct {
	scanID, session, scannerID string
	status                     string // "Success", "Partial Success", ...
	finished                   time.Time
	targets                    []scannedTarget
}

type scannedTarget struct {
	ip, hostname, problem string
	status                string // "Success" or "Failure"
	duration              time.Duration
}

// FinishScan records a run of the definition id that ended at the given time, and returns its session id, which the
// documented history by definition does not show. It sets latestScan and appends to the history. The status is
// "Success", "Fail" or "Partial Success"; any other is stored unchanged. Scans never run by themselves. FinishScan
// panics if there is no such definition.
func (s *Server) FinishScan(id, status string, at time.Time) (session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session = s.newHex(32)
	if !s.recordRun(id, status, session, at) {
		panic(unknownScan("FinishScan", id))
	}
	return session
}

// recordRun appends a run of the definition id, and reports whether there is such a definition.
func (s *Server) recordRun(id, status, session string, at time.Time) bool {
	scan := s.findScan(id)
	if scan == nil {
		return false
	}
	summary := status
	if status == "Partial Success" {
		summary = "Success" // latestScan has only Success and Fail; that partial counts as Success is a guess
	}
	scan["latestScan"] = object{"status": summary, "failureReason": nil, "executionDateTime": formatTime(at)}
	agent, _ := scan["scannerAgent"].(object)
	scanner, _ := agent["machineId"].(string)
	target, _ := scan["target"].(string)
	s.runs = append(s.runs, run{id, session, scanner, status, at, scanTargets(target, status)})
	return true
}

// scanTargets returns invented results of a run: success for every target, or for all but the last in a partial success.
func scanTargets(target, status string) []scannedTarget {
	entries := strings.Split(target, ",")
	seen := make([]scannedTarget, len(entries))
	for i, entry := range entries {
		ip, host := addressOf(entry)
		last := i == len(entries)-1
		if status == "Success" || status == "Partial Success" && !last {
			seen[i] = scannedTarget{ip, host, "", "Success", 8*time.Minute + 30*time.Second}
		} else {
			seen[i] = scannedTarget{ip, "", "The device did not answer in time.", "Failure", 5 * time.Second}
		}
	}
	return seen
}

// addressOf returns one device of a target entry: the first address of a range or prefix.
func addressOf(entry string) (ip, hostname string) {
	if prefix, err := netip.ParsePrefix(entry); err == nil {
		entry = prefix.Masked().Addr().Next().String()
	}
	first, _, _ := strings.Cut(entry, "-")
	if addr, err := netip.ParseAddr(first); err == nil {
		return addr.String(), "device-" + strings.NewReplacer(".", "-", ":", "-").Replace(addr.String())
	}
	return "", entry
}

// historyByScan lists the newest run first, as in the example, with $top and $skip as documented.
func (s *Server) historyByScan(r *request) (response, error) {
	ids, err := s.checkIDs(r, "ScanDefinitionIds")
	if err != nil {
		return response{}, err
	}
	top, skip, err := pagingParams(r)
	if err != nil {
		return response{}, err
	}
	runs := s.selectRuns(func(run run) bool { return slices.Contains(ids, run.scanID) })
	runs = runs[min(skip, len(runs)):]
	return s.runsResponse(r, runs[:min(top, len(runs))], run.definitionRow)
}

func (s *Server) historyBySession(r *request) (response, error) {
	ids, err := s.checkIDs(r, "SessionIds")
	if err != nil {
		return response{}, err
	}
	return s.runsResponse(r, s.selectRuns(func(run run) bool { return slices.Contains(ids, run.session) }), run.sessionRow)
}

// selectRuns returns the runs for which want returns true, newest first.
func (s *Server) selectRuns(want func(run) bool) []run {
	var runs []run
	for _, run := range s.runs {
		if want(run) {
			runs = append(runs, run)
		}
	}
	slices.SortStableFunc(runs, func(a, b run) int { return b.finished.Compare(a.finished) })
	return runs
}

// runsResponse returns runs in the documented form, or in that of $metadata's contract, which has no OData context.
func (s *Server) runsResponse(r *request, runs []run, documented func(run) orderedObject) (response, error) {
	list := orderedObject{{"@odata.context", originOf(r) + r.URL.Path}}
	if s.options.MetadataHistory {
		list, documented = nil, run.contractRow
	}
	rows := make([]orderedObject, len(runs))
	for i, run := range runs {
		rows[i] = documented(run)
	}
	return jsonResponse(http.StatusOK, append(list, member{"value", rows}))
}

// pagingParams returns $top and $skip, or their defaults.
func pagingParams(r *request) (top, skip int, err error) {
	top, topErr := strconv.Atoi(valueOr(r, "$top", strconv.Itoa(maxTop)))
	skip, skipErr := strconv.Atoi(valueOr(r, "$skip", "0"))
	if topErr != nil || skipErr != nil || top < 0 || top > maxTop || skip < 0 {
		return 0, 0, &apiError{http.StatusBadRequest, "ODataError", "Invalid OData URI query."}
	}
	return top, skip, nil
}

// valueOr returns the query parameter name, or otherwise if it is absent.
func valueOr(r *request, name, otherwise string) string {
	if r.URL.Query().Has(name) {
		return r.URL.Query().Get(name)
	}
	return otherwise
}
