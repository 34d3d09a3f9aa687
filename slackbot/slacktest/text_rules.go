package slacktest

// Composition objects: texts, options, confirmation dialogs.

// plainText returns the rule for a plain_text object of at most max characters.
func plainText(most int) rule {
	return typedObject(map[string]shape{"plain_text": {[]string{"text"}, map[string]rule{"text": stringOf(1, most), "emoji": isBoolean}}})
}

// anyText returns the rule for a plain_text or mrkdwn object of at most max characters.
func anyText(most int) rule {
	return typedObject(map[string]shape{
		"plain_text": {[]string{"text"}, map[string]rule{"text": stringOf(1, most), "emoji": isBoolean}},
		"mrkdwn":     {[]string{"text"}, map[string]rule{"text": stringOf(1, most), "verbatim": isBoolean}},
	})
}

var confirmDialog = objectOf(shape{
	[]string{"title", "text", "confirm", "deny"},
	map[string]rule{
		"title": plainText(100), "text": anyText(300), "confirm": plainText(30), "deny": plainText(30), "style": oneOf("primary", "danger"),
	},
})

// optionOf returns the rule for an option. Only checkboxes and radio buttons accept markup in its texts.
func optionOf(words func(int) rule) rule {
	return objectOf(shape{
		[]string{"text", "value"},
		map[string]rule{"text": words(75), "value": stringOf(1, 75), "description": words(75)},
	})
}

var overflowOption = objectOf(shape{
	[]string{"text", "value"},
	map[string]rule{"text": plainText(75), "value": stringOf(1, 75), "description": plainText(75), "url": stringOf(1, 3000)},
})

var optionGroup = objectOf(shape{
	[]string{"label", "options"},
	map[string]rule{"label": plainText(75), "options": listOf(1, 100, optionOf(plainText))},
})

var dispatchConfig = objectOf(shape{nil, map[string]rule{
	"trigger_actions_on": listOf(1, 2, oneOf("on_enter_pressed", "on_character_entered")),
}})
