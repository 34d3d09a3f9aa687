package slacktest

// The composition objects: texts, options, confirmation dialogs.

// plain is a plain_text object of at most so many characters.
func plain(most int) rule {
	return typed(map[string]shape{"plain_text": {[]string{"text"}, map[string]rule{"text": str(1, most), "emoji": boolean}}})
}

// text is a plain_text or mrkdwn object.
func text(most int) rule {
	return typed(map[string]shape{
		"plain_text": {[]string{"text"}, map[string]rule{"text": str(1, most), "emoji": boolean}},
		"mrkdwn":     {[]string{"text"}, map[string]rule{"text": str(1, most), "verbatim": boolean}},
	})
}

var confirm = of(shape{
	[]string{"title", "text", "confirm", "deny"},
	map[string]rule{
		"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30), "style": oneOf("primary", "danger"),
	},
})

// option is a choice; its words are markup only beside boxes and circles, which draw it.
func option(words func(int) rule) rule {
	return of(shape{
		[]string{"text", "value"},
		map[string]rule{"text": words(75), "value": str(1, 75), "description": words(75)},
	})
}

var overflowOption = of(shape{
	[]string{"text", "value"},
	map[string]rule{"text": plain(75), "value": str(1, 75), "description": plain(75), "url": str(1, 3000)},
})

var optionGroup = of(shape{
	[]string{"label", "options"},
	map[string]rule{"label": plain(75), "options": many(1, 100, option(plain))},
})

var dispatchConfig = of(shape{nil, map[string]rule{
	"trigger_actions_on": many(1, 2, oneOf("on_enter_pressed", "on_character_entered")),
}})
