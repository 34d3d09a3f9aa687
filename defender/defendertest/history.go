package defendertest

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxTop = 10_000 // the page's limit for $top since January 2026; 4,096 before

// A run is one finished scan. Its rows are kept under the names of $metadata.
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

// FinishScan tells that a run of the definition ended at the given time with "Success", "Fail" or
// "Partial Success": it sets latestScan, appends to the history, and returns the session id, which the
// documented history by definition does not show. Any other status is passed on as it is. There is no clock:
// a scan runs when a test says so. It panics if there is no such definition.
func (s *Server) FinishScan(id, status string, at time.Time) (session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session = s.newHex(32)
	if !s.recordRun(id, status, session, at) {
		panic(unknownScan("FinishScan", id))
	}
	return session
}

func (s *Server) recordRun(id, status, session string, at time.Time) bool {
	scan := s.findScan(id)
	if scan == nil {
		return false
	}
	summary := status
	if status == "Partial Success" {
		summary = "Success" // latestScan knows only Success and Fail; that partial counts as the former is our guess
	}
	scan["latestScan"] = object{"status": summary, "failureReason": nil, "executionDateTime": formatTime(at)}
	agent, _ := scan["scannerAgent"].(object)
	scanner, _ := agent["machineId"].(string)
	target, _ := scan["target"].(string)
	s.runs = append(s.runs, run{id, session, scanner, status, at, scanTargets(target, status)})
	return true
}

// scanTargets makes up what a run saw: every target, or with partial success all but the last.
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

// addressOf names one device of a target entry: the first address of a range.
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

// historyByScan answers the newest run first, as the example does, with $top and $skip as documented.
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

// runsResponse renders runs as documented, or as $metadata's contract, whose action returns no OData context.
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

// pagingParams reads $top and $skip.
func pagingParams(r *request) (top, skip int, err error) {
	top, topErr := strconv.Atoi(valueOr(r, "$top", strconv.Itoa(maxTop)))
	skip, skipErr := strconv.Atoi(valueOr(r, "$skip", "0"))
	if topErr != nil || skipErr != nil || top < 0 || top > maxTop || skip < 0 {
		return 0, 0, &apiError{http.StatusBadRequest, "ODataError", "Invalid OData URI query."}
	}
	return top, skip, nil
}

func valueOr(r *request, name, otherwise string) string {
	if r.URL.Query().Has(name) {
		return r.URL.Query().Get(name)
	}
	return otherwise
}
