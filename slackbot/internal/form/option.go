package form

import (
	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
)

const (
	// maxOptions bounds the options of a menu that is sent whole. Longer menus are filtered as the user types.
	maxOptions = 100
	// maxOptionUnits bounds the value and the label of an option, in UTF-16 units.
	maxOptionUnits = 75
)

// OptionSource describes a list of the tenant from which a user picks instead of typing an ID.
type OptionSource struct {
	Operation string // the read operation that returns the list
	List      string // the name of the list in its output
	EmptyText string // for the user when the list is empty

	idField, nameField string // of an entry
	describe           func(entry map[string]any) string
}

// Option is one entry of such a list.
type Option struct {
	ID, Name, About string
	Fields          map[string]any // as the read operation returned them
}

// OptionLists holds the lists that a form needs.
type OptionLists map[*OptionSource][]Option

// ScansSource lists the scan definitions.
var ScansSource = &OptionSource{
	Operation: "list_scans", List: "scans", idField: "id", nameField: "scanName",
	describe:  func(e map[string]any) string { return FormatValue(e["target"]) },
	EmptyText: "There are no scans in Defender.",
}

var scannersSource = &OptionSource{
	Operation: "list_scanners", List: "scanners", idField: "machineId", nameField: "name",
	describe:  func(e map[string]any) string { return "last seen " + FormatTimestamp(FormatValue(e["lastSeen"])) },
	EmptyText: "There is no scanner in Defender. Install one first: Settings, Device discovery, Authenticated scans.",
}

// optionSources is the one table of fields for which a user picks from a list.
var optionSources = map[string]*OptionSource{
	"id":                     ScansSource,
	"scanDefinitionIds":      ScansSource,
	"scannerAgent.machineId": scannersSource,
}

// SourceOf returns the list from which the field called name is picked. It returns nil for a field that is typed.
func SourceOf(name string) *OptionSource { return optionSources[name] }

// Options returns the entries as options. It omits an entry whose ID is empty or too long for a menu: that scan can
// still be named in command text.
func (s *OptionSource) Options(entries []map[string]any) []Option {
	var all []Option
	for _, fields := range entries {
		o := Option{ID: FormatValue(fields[s.idField]), Name: FormatValue(fields[s.nameField]), About: s.describe(fields), Fields: fields}
		if o.ID != "" && blocks.PrefixLen(o.ID, maxOptionUnits) == len(o.ID) {
			all = append(all, o)
		}
	}
	return all
}

// Values returns the fields of an entry by their dotted names, as fields of a form are named.
func (o Option) Values() map[string]any {
	out := map[string]any{}
	for name, value := range o.Fields {
		inner, nested := value.(map[string]any)
		if !nested {
			out[name] = value
			continue
		}
		for below, value := range inner {
			out[name+"."+below] = value
		}
	}
	return out
}

// menuOption returns the entry as an option of a menu. Its label may be cut, its value never: the value is an ID.
func (o Option) menuOption() *slack.OptionBlockObject {
	name := o.Name
	if name == "" {
		name = o.ID
	}
	var description *slack.TextBlockObject
	if o.About != "" {
		description = blocks.PlainText(blocks.Truncate(o.About, maxOptionUnits))
	}
	return slack.NewOptionBlockObject(o.ID, blocks.PlainText(blocks.Truncate(name, maxOptionUnits)), description)
}

// MenuOptions returns the first entries as options of a menu, as many as Slack takes.
func MenuOptions(all []Option) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	for _, o := range all[:min(len(all), maxOptions)] {
		out = append(out, o.menuOption())
	}
	return out
}
