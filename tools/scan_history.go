package tools

import (
	"context"
	"regexp"
	"sync"

	"scanwarden/defender"
)

var scanHistory = answering(Operation{
	Name:        "scan_history",
	Title:       "Scan history",
	Description: "Past runs of scans or, by their sessionIds, each target's result.",
	Idempotent:  true,
	OpenWorld:   true,
}, (*Service).scanHistory)

type historyInput struct {
	ScanDefinitionIDs []string `json:"scanDefinitionIds" also:"ScanDefinitionIds" jsonschema:"example=Core switches" jsonschema_description:"Or unique names"`
	SessionIDs        []string `json:"sessionIds" also:"SessionIds" jsonschema:"example=01decc497f4b4ec49a5fc4e12597f8c8" jsonschema_description:"Of runs"`
	Top               *int     `json:"top" jsonschema:"minimum=1,maximum=4096,example=10" jsonschema_description:"At most so many runs of a scan"`
	Skip              *int     `json:"skip" jsonschema:"minimum=0,example=10" jsonschema_description:"Leave out so many first"`
}

type historyOutput struct {
	Runs []defender.Run `json:"runs" jsonschema:"required"`
}

const (
	maxHistoryIDs = 100  // ours: no page states one
	maxTop        = 4096 // the smaller of the two maxima that Microsoft's pages give
	maxSkip       = 1_000_000
)

var (
	guid = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	})
	sessionID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`) })
)

func (d *Service) scanHistory(ctx context.Context, by Caller, in historyInput) (historyOutput, error) {
	if err := in.check(); err != nil {
		return historyOutput{}, err
	}
	var runs []defender.Run
	var err error
	if len(in.SessionIDs) > 0 {
		runs, err = d.cfg.Reader.RunsBySession(ctx, by.actor(), in.SessionIDs)
	} else {
		runs, err = d.runsOfScans(ctx, by, in)
	}
	out := historyOutput{Runs: make([]defender.Run, len(runs))}
	for i, r := range runs {
		out.Runs[i] = readableRun(r)
	}
	return out, err
}

func (in historyInput) check() error {
	byScan, bySession := len(in.ScanDefinitionIDs), len(in.SessionIDs)
	switch {
	case (byScan == 0) == (bySession == 0):
		return refuse("scanDefinitionIds", "give either scanDefinitionIds or sessionIds")
	case byScan > maxHistoryIDs || bySession > maxHistoryIDs:
		return refuse("scanDefinitionIds", "at most %d ids are taken at once", maxHistoryIDs).then("ask in smaller groups")
	case bySession > 0 && (in.Top != nil || in.Skip != nil):
		return refuse("top", "top and skip go with scanDefinitionIds only").then("leave them out")
	case in.Top != nil && (*in.Top < 1 || *in.Top > maxTop):
		return refuse("top", "top must be a whole number from 1 to %d, not %d", maxTop, *in.Top)
	case in.Skip != nil && (*in.Skip < 0 || *in.Skip > maxSkip):
		return refuse("skip", "skip must be a whole number from 0 to %d, not %d", maxSkip, *in.Skip)
	}
	for _, id := range in.SessionIDs {
		if !sessionID().MatchString(id) {
			return refuse("sessionIds", "sessionIds: %s is not a session's id", quoted(id)).then("use a sessionId of a run that scan_history returned")
		}
	}
	return nil
}

// runsOfScans takes any GUID as an id, so that the history of a deleted scan can still be read.
func (d *Service) runsOfScans(ctx context.Context, by Caller, in historyInput) ([]defender.Run, error) {
	var ids, names []string
	for _, ref := range in.ScanDefinitionIDs {
		if guid().MatchString(ref) {
			ids = append(ids, ref)
		} else {
			names = append(names, ref)
		}
	}
	if len(names) > 0 {
		all, err := d.live.definitions.get(ctx, by)
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
	return d.cfg.Reader.RunsByDefinition(ctx, by.actor(), ids, defender.Page{Top: orZero(in.Top), Skip: orZero(in.Skip)})
}

func readableRun(r defender.Run) defender.Run {
	for _, s := range []*string{&r.ScanDefinitionID, &r.SessionID, &r.ScannerID, &r.ScanStatus, &r.Error} {
		*s = shown(*s)
	}
	targets := make([]defender.RunTarget, len(r.ScannedTargets))
	for i, t := range r.ScannedTargets {
		for _, s := range []*string{&t.IP, &t.Hostname, &t.Description, &t.Error, &t.ScanStatus, &t.Duration} {
			*s = shown(*s)
		}
		targets[i] = t
	}
	r.ScannedTargets = targets
	return r
}
