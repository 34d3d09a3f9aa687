package tools

import (
	"context"
	"regexp"
	"sync"

	"scanwarden/defender"
)

var scanHistory = newCallOperation(Operation{
	Name:        "scan_history",
	Title:       "Scan history",
	Description: "List past runs of scans (give scanDefinitionIds), or the result for each target of single runs (give sessionIds).",
	Idempotent:  true,
	OpenWorld:   true,
}, (*Service).scanHistory)

type historyInput struct {
	ScanDefinitionIDs []string `json:"scanDefinitionIds" also:"ScanDefinitionIds" jsonschema:"example=Core switches" jsonschema_description:"Scans whose runs to list, by id or unique name"`
	SessionIDs        []string `json:"sessionIds" also:"SessionIds" jsonschema:"example=01decc497f4b4ec49a5fc4e12597f8c8" jsonschema_description:"Runs whose targets to list, by sessionId from an earlier answer"`
	Top               *int     `json:"top" jsonschema:"minimum=1,maximum=4096,example=10" jsonschema_description:"Read at most this many runs of each scan; only with scanDefinitionIds"`
	Skip              *int     `json:"skip" jsonschema:"minimum=0,example=10" jsonschema_description:"Skip this many runs at the start of the history; only with scanDefinitionIds"`
	offsetInput
}

const (
	maxHistoryIDs = 100  // ours: no page states one
	maxTop        = 4096 // the smaller of the two maxima that Microsoft's pages give
	maxSkip       = 1_000_000
)

var (
	guidPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	})
	runIDPattern     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-fA-F]{32}$`) })
	sessionIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`) })
)

func (s *Service) scanHistory(ctx context.Context, by Caller, in historyInput) (historyOutput, error) {
	if err := in.validate(); err != nil {
		return historyOutput{}, err
	}
	var runs []defender.Run
	var err error
	if len(in.SessionIDs) > 0 {
		runs, err = s.cfg.Reader.RunsBySession(ctx, by.defenderActor(), in.SessionIDs)
	} else {
		runs, err = s.runsOfScans(ctx, by, in)
	}
	if err != nil {
		return historyOutput{}, err
	}
	for i, r := range runs {
		runs[i] = escapeRun(r)
	}
	return newHistoryOutput(runs, in.offsetInput), nil
}

func (in historyInput) validate() error {
	if err := in.checkOffset(); err != nil {
		return err
	}
	byScan, bySession := len(in.ScanDefinitionIDs), len(in.SessionIDs)
	switch {
	case (byScan == 0) == (bySession == 0):
		return refuse("scanDefinitionIds", "give either scanDefinitionIds or sessionIds")
	case byScan > maxHistoryIDs || bySession > maxHistoryIDs:
		return refuse("scanDefinitionIds", "at most %d ids are accepted at once", maxHistoryIDs).withHint("ask in smaller groups")
	case bySession > 0 && (in.Top != nil || in.Skip != nil):
		return refuse("top", "top and skip go with scanDefinitionIds only").withHint("leave them out")
	case in.Top != nil && (*in.Top < 1 || *in.Top > maxTop):
		return refuse("top", "top must be a whole number from 1 to %d, not %d", maxTop, *in.Top)
	case in.Skip != nil && (*in.Skip < 0 || *in.Skip > maxSkip):
		return refuse("skip", "skip must be a whole number from 0 to %d, not %d", maxSkip, *in.Skip)
	}
	for _, id := range in.SessionIDs {
		if !sessionIDPattern().MatchString(id) {
			return refuse("sessionIds", "sessionIds: %s is not a session's id", quote(id)).withHint("use a sessionId of a run that scan_history returned")
		}
	}
	return nil
}

// runsOfScans accepts any GUID as an id, so that the history of a deleted scan can still be read.
func (s *Service) runsOfScans(ctx context.Context, by Caller, in historyInput) ([]defender.Run, error) {
	var ids, names []string
	for _, ref := range in.ScanDefinitionIDs {
		if guidPattern().MatchString(ref) {
			ids = append(ids, ref)
		} else {
			names = append(names, ref)
		}
	}
	if len(names) > 0 {
		all, err := s.live.definitions.load(ctx, by)
		if err != nil {
			return nil, err
		}
		found, err := findScans("scanDefinitionIds", names, all)
		if err != nil {
			return nil, err
		}
		for _, scan := range found {
			ids = append(ids, scan.ID)
		}
	}
	return s.cfg.Reader.RunsByDefinition(ctx, by.defenderActor(), ids, defender.Page{Top: orZero(in.Top), Skip: orZero(in.Skip)})
}

func escapeRun(r defender.Run) defender.Run {
	for _, s := range []*string{&r.ScanDefinitionID, &r.SessionID, &r.ScannerID, &r.ScanStatus, &r.Error} {
		*s = escapeInvisible(*s)
	}
	targets := make([]defender.RunTarget, len(r.ScannedTargets))
	for i, t := range r.ScannedTargets {
		for _, s := range []*string{&t.IP, &t.Hostname, &t.Description, &t.Error, &t.ScanStatus, &t.Duration} {
			*s = escapeInvisible(*s)
		}
		targets[i] = t
	}
	r.ScannedTargets = targets
	return r
}
