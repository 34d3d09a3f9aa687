package slacktest_test

import (
	"strings"
	"testing"

	"scanwarden/slackbot/slacktest"
)

func optionOf(value string) string { return `{"text":` + plainText("o") + `,"value":"` + value + `"}` }

func selectOf(options string) string {
	return `{"type":"static_select","action_id":"a","options":[` + options + `]}`
}

func confirmButton(title, text, yes string) string {
	return `{"type":"button","action_id":"a","text":` + plainText("x") + `,"confirm":{"title":` + plainText(title) + `,"text":` + plainText(text) +
		`,"confirm":` + plainText(yes) + `,"deny":` + plainText("No") + `}}`
}

// messageLimits has blocks just within each limit and just beyond it, and a part of the expected error.
var messageLimits = []struct{ name, right, wrong, because string }{
	{"section text", `{"type":"section","text":` + plainText(repeatX(3000)) + `}`, `{"type":"section","text":` + plainText(repeatX(3001)) + `}`, "less than 3001"},
	{"text of runes", `{"type":"section","text":` + plainText(strings.Repeat("é", 3000)) + `}`, `{"type":"section","text":` + plainText("") + `}`, "more than 0"},
	{"section with nothing", section, `{"type":"section"}`, "text or fields"},
	{"fields", `{"type":"section","fields":[` + repeated(10, plainText(repeatX(2000))) + `]}`, `{"type":"section","fields":[` + repeated(11, plainText("x")) + `]}`, "no more than 10"},
	{"field text", section, `{"type":"section","fields":[` + plainText(repeatX(2001)) + `]}`, "less than 2001"},
	{"header", `{"type":"header","text":` + plainText(repeatX(150)) + `}`, `{"type":"header","text":` + plainText(repeatX(151)) + `}`, "less than 151"},
	{"header markup", `{"type":"header","text":` + plainText("x") + `}`, `{"type":"header","text":{"type":"mrkdwn","text":"x"}}`, "unsupported type"},
	{"button text", actions(`{"type":"button","text":` + plainText(repeatX(75)) + `}`), actions(`{"type":"button","text":` + plainText(repeatX(76)) + `}`), "less than 76"},
	{"button value", actions(`{"type":"button","value":"` + repeatX(2000) + `","text":` + plainText("x") + `}`), actions(`{"type":"button","value":"` + repeatX(2001) + `","text":` + plainText("x") + `}`), "less than 2001"},
	{"button style", actions(`{"type":"button","style":"danger","text":` + plainText("x") + `}`), actions(`{"type":"button","style":"red","text":` + plainText("x") + `}`), "one of"},
	{"button without text", actions(button("a")), actions(`{"type":"button","action_id":"a"}`), "required field: text"},
	{"button for some", actions(button("a")), actions(`{"type":"button","text":` + plainText("x") + `,"visible_to_user_ids":["U1"]}`), "unknown field"},
	{"action_id length", actions(`{"type":"button","action_id":"` + repeatX(255) + `","text":` + plainText("x") + `}`), actions(`{"type":"button","action_id":"` + repeatX(256) + `","text":` + plainText("x") + `}`), "less than 256"},
	{"action_id twice", actions(button("a"), button("b")), actions(button("a"), button("a")), "already exists"},
	{"actions", actions(repeated(25, button("a%d"))), actions(repeated(26, button("a%d"))), "no more than 25"},
	{"no actions", actions(button("a")), actions(), "no fewer than 1"},
	{"context", `{"type":"context","elements":[` + repeated(10, plainText("x")) + `]}`, `{"type":"context","elements":[` + repeated(11, plainText("x")) + `]}`, "no more than 10"},
	{"confirm title", actions(confirmButton(repeatX(100), repeatX(300), repeatX(30))), actions(confirmButton(repeatX(101), "x", "x")), "less than 101"},
	{"confirm text", section, actions(confirmButton("x", repeatX(301), "x")), "less than 301"},
	{"confirm yes", section, actions(confirmButton("x", "x", repeatX(31))), "less than 31"},
	{"confirm without deny", section, actions(`{"type":"button","text":` + plainText("x") + `,"confirm":{"title":` + plainText("x") + `,"text":` + plainText("x") + `,"confirm":` + plainText("x") + `}}`), "required field: deny"},
	{"select options", actions(selectOf(repeated(100, optionOf("%d")))), actions(selectOf(repeated(101, optionOf("%d")))), "no more than 100"},
	{"option value", actions(selectOf(optionOf(repeatX(75)))), actions(selectOf(optionOf(repeatX(76)))), "less than 76"},
	{"option twice", actions(selectOf(optionOf("a") + "," + optionOf("b"))), actions(selectOf(optionOf("a") + "," + optionOf("a"))), "unique"},
	{"no options", section, actions(`{"type":"static_select","action_id":"a"}`), "either options"},
	{"initial option", section, actions(`{"type":"static_select","options":[` + optionOf("a") + `],"initial_option":` + optionOf("b") + `}`), "one of the options"},
	{"overflow", actions(`{"type":"overflow","options":[` + repeated(5, optionOf("%d")) + `]}`), actions(`{"type":"overflow","options":[` + repeated(6, optionOf("%d")) + `]}`), "no more than 5"},
	{"checkboxes", actions(`{"type":"checkboxes","options":[` + repeated(10, optionOf("%d")) + `]}`), actions(`{"type":"checkboxes","options":[` + repeated(11, optionOf("%d")) + `]}`), "no more than 10"},
	{"block_id length", `{"type":"divider","block_id":"` + repeatX(255) + `"}`, `{"type":"divider","block_id":"` + repeatX(256) + `"}`, "less than 256"},
	{"block_id twice", section, `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`, "already exists"},
	{"blocks", repeated(50, section), repeated(51, section), "no more than 50"},
	{"unknown block", section, `{"type":"carousel","elements":[]}`, "unsupported block"},
	{"modal's block", section, `{"type":"alert","text":` + plainText("x") + `}`, "unsupported block"},
	{"unknown element", section, actions(`{"type":"password_input","action_id":"a"}`), "unsupported type"},
	{"element's place", section, actions(`{"type":"plain_text_input","action_id":"a"}`), "unsupported type"},
	{"unknown field", section, `{"type":"section","colour":"red","text":` + plainText("x") + `}`, "unknown field: colour"},
	{"emoji in markup", section, `{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}`, "unknown field: emoji"},
	{"markdown", `{"type":"markdown","text":"` + repeatX(12000) + `"}`, `{"type":"markdown","text":"` + repeatX(12001) + `"}`, "less than 12001"},
	{"rich text", `{"type":"rich_text","elements":[{"type":"rich_text_preformatted","border":0,"elements":[{"type":"text","text":"x"}]}]}`,
		`{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":""}]}]}`, "more than 0"},
	{"null", section, `{"type":"actions","elements":null}`, "must be an array"},
}

func TestMessagesKeepTheLimitsOfBlocks(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	for _, test := range messageLimits {
		t.Run(test.name, func(t *testing.T) {
			if a := call(t, s, "chat.postMessage", "channel", "C1", "blocks", "["+test.right+"]"); !a.OK {
				t.Errorf("right blocks were refused: %s %q", a.Error, a.Metadata.Messages)
			}
			before := len(s.Violations())
			a := call(t, s, "chat.postMessage", "channel", "C1", "blocks", "["+test.wrong+"]")
			if a.Error != "invalid_blocks" || !strings.Contains(strings.Join(a.Metadata.Messages, "\n"), test.because) {
				t.Errorf("wrong blocks got %q %q, want invalid_blocks with %q", a.Error, a.Metadata.Messages, test.because)
			}
			if after := len(s.Violations()); after != before+1 {
				t.Errorf("%d violations were kept, want 1", after-before)
			}
		})
	}
}

var viewLimits = []struct{ name, right, wrong, because string }{
	{"title", modal(section), strings.Replace(modal(section), `"text":"Form"`, `"text":"`+repeatX(25)+`"`, 1), "less than 25"},
	{"submit text", modal(section), strings.Replace(modal(section), `"text":"Send"`, `"text":"`+repeatX(25)+`"`, 1), "less than 25"},
	{"no title", modal(section), `{"type":"modal","blocks":[` + section + `]}`, "required field: title"},
	{"no submit", `{"type":"modal","title":` + plainText("x") + `,"blocks":[` + section + `]}`,
		`{"type":"modal","title":` + plainText("x") + `,"blocks":[` + input("a", `{"type":"plain_text_input"}`) + `]}`, "`submit` is required"},
	{"blocks", modal(repeated(100, section)), modal(repeated(101, section)), "no more than 100"},
	{"no blocks", modal(section), modal(""), "no fewer than 1"},
	{"metadata", strings.Replace(modal(section), `"type"`, `"private_metadata":"`+repeatX(3000)+`","type"`, 1),
		strings.Replace(modal(section), `"type"`, `"private_metadata":"`+repeatX(3001)+`","type"`, 1), "less than 3001"},
	{"callback_id", modal(section), strings.Replace(modal(section), `"form"`, `"`+repeatX(256)+`"`, 1), "less than 256"},
	{"label", modal(input(repeatX(255), `{"type":"plain_text_input"}`)), modal(`{"type":"input","label":` + plainText(repeatX(2001)) + `,"element":{"type":"plain_text_input"}}`), "less than 2001"},
	{"same action_id elsewhere", modal(input("a", `{"type":"plain_text_input","action_id":"value"}`) + "," + input("b", `{"type":"plain_text_input","action_id":"value"}`)),
		modal(input("a", `{"type":"plain_text_input"}`) + "," + input("a", `{"type":"plain_text_input"}`)), "already exists"},
	{"initial value", modal(input("a", `{"type":"plain_text_input","initial_value":"`+repeatX(3000)+`"}`)), modal(input("a", `{"type":"plain_text_input","initial_value":"`+repeatX(3001)+`"}`)), "less than 3001"},
	{"number", modal(input("a", `{"type":"number_input","is_decimal_allowed":false,"min_value":"1","initial_value":"4"}`)),
		modal(input("a", `{"type":"number_input","is_decimal_allowed":false,"min_value":"5","initial_value":"4"}`)), "in order"},
	{"lengths", modal(input("a", `{"type":"plain_text_input","min_length":3,"max_length":3}`)), modal(input("a", `{"type":"plain_text_input","min_length":4,"max_length":3}`)), "must not be more"},
	{"initial length", modal(input("a", `{"type":"plain_text_input","max_length":3,"initial_value":"abc"}`)), modal(input("a", `{"type":"plain_text_input","max_length":3,"initial_value":"abcd"}`)), "less than 4"},
	{"number in words", modal(input("a", `{"type":"number_input","is_decimal_allowed":true,"initial_value":"1.5"}`)), modal(input("a", `{"type":"number_input","is_decimal_allowed":true,"initial_value":"four"}`)), "must be a number"},
	{"broken number", modal(input("a", `{"type":"number_input","is_decimal_allowed":false,"initial_value":"1"}`)), modal(input("a", `{"type":"number_input","is_decimal_allowed":false,"initial_value":"1.5"}`)), "must be a number"},
	{"decimal", modal(input("a", `{"type":"number_input","is_decimal_allowed":true}`)), modal(input("a", `{"type":"number_input"}`)), "is_decimal_allowed"},
	{"focus", modal(input("a", `{"type":"plain_text_input","focus_on_load":true}`)),
		modal(input("a", `{"type":"plain_text_input","focus_on_load":true}`) + "," + input("b", `{"type":"plain_text_input","focus_on_load":true}`)), "only one"},
	{"message's block", modal(section), modal(`{"type":"markdown","text":"x"}`), "unsupported block"},
	{"button as a field", modal(section), modal(input("a", button("b"))), "unsupported type"},
	{"a home tab", modal(section), `{"type":"home","blocks":[` + section + `]}`, "must be"},
}

func TestViewsKeepTheLimits(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	serveApp(t, s, respondWith(""))
	for _, test := range viewLimits {
		t.Run(test.name, func(t *testing.T) {
			trigger := s.Command("U1", "C1", "/form", "").TriggerID
			a := call(t, s, "views.open", "trigger_id", trigger, "view", test.wrong)
			if a.Error != "invalid_arguments" || !strings.Contains(strings.Join(a.Metadata.Messages, "\n"), test.because) {
				t.Errorf("a wrong view got %q %q, want invalid_arguments with %q", a.Error, a.Metadata.Messages, test.because)
			}
			if a := call(t, s, "views.open", "trigger_id", trigger, "view", test.right); !a.OK {
				t.Errorf("a right view was refused: %s %q", a.Error, a.Metadata.Messages)
			}
		})
	}
}
