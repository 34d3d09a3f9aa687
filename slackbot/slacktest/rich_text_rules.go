package slacktest

// Rich text: the only blocks that show untrusted text preformatted and without interpreting markup.

var textStyle = objectOf(shape{nil, map[string]rule{
	"bold": isBoolean, "italic": isBoolean, "strike": isBoolean, "code": isBoolean, "underline": isBoolean,
}})

var richElement = typedObject(map[string]shape{
	"text":      {[]string{"text"}, map[string]rule{"text": stringOf(1, 3000), "style": textStyle}},
	"link":      {[]string{"url"}, map[string]rule{"url": stringOf(1, 3000), "text": stringOf(1, 3000), "style": textStyle, "unsafe": isBoolean}},
	"user":      {[]string{"user_id"}, map[string]rule{"user_id": stringOf(1, 255), "style": textStyle}},
	"usergroup": {[]string{"usergroup_id"}, map[string]rule{"usergroup_id": stringOf(1, 255), "style": textStyle}},
	"channel":   {[]string{"channel_id"}, map[string]rule{"channel_id": stringOf(1, 255), "style": textStyle}},
	"emoji":     {[]string{"name"}, map[string]rule{"name": stringOf(1, 255), "unicode": stringOf(1, 255), "style": textStyle}},
	"broadcast": {[]string{"range"}, map[string]rule{"range": oneOf("here", "channel", "everyone"), "style": textStyle}},
	"date":      {[]string{"timestamp", "format"}, map[string]rule{"timestamp": integerOf(0, 1<<40), "format": stringOf(1, 255), "fallback": stringOf(1, 255), "url": stringOf(1, 3000)}},
})

var (
	richFields     = map[string]rule{"elements": listOf(1, 1000, richElement)}
	borderedFields = mergeFields(richFields, map[string]rule{"border": integerOf(0, 1)})
	richSection    = shape{[]string{"elements"}, richFields}
)

var richTextBlock = typedObject(map[string]shape{
	"rich_text_section":      richSection,
	"rich_text_quote":        {[]string{"elements"}, borderedFields},
	"rich_text_preformatted": {[]string{"elements"}, mergeFields(borderedFields, map[string]rule{"language": stringOf(1, 255)})},
	"rich_text_list": {[]string{"elements", "style"}, map[string]rule{
		"elements": listOf(1, 1000, typedObject(map[string]shape{"rich_text_section": richSection})),
		"style":    oneOf("bullet", "ordered"), "indent": integerOf(0, 8), "offset": integerOf(0, 1000), "border": integerOf(0, 1),
	}},
})

var tableCell = typedObject(map[string]shape{
	"raw_text":  {[]string{"text"}, map[string]rule{"text": stringOf(1, 3000)}},
	"rich_text": {[]string{"elements"}, map[string]rule{"elements": listOf(1, 1000, richTextBlock)}},
})

var columnSetting = objectOf(shape{nil, map[string]rule{"align": oneOf("left", "center", "right"), "is_wrapped": isBoolean}})
