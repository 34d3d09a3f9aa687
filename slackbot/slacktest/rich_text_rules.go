package slacktest

// Rich text: the one way to show text of others, preformatted, with no markup in it read.

var style = of(shape{nil, map[string]rule{
	"bold": boolean, "italic": boolean, "strike": boolean, "code": boolean, "underline": boolean,
}})

var richPiece = typed(map[string]shape{
	"text":      {[]string{"text"}, map[string]rule{"text": str(1, 3000), "style": style}},
	"link":      {[]string{"url"}, map[string]rule{"url": str(1, 3000), "text": str(1, 3000), "style": style, "unsafe": boolean}},
	"user":      {[]string{"user_id"}, map[string]rule{"user_id": str(1, 255), "style": style}},
	"usergroup": {[]string{"usergroup_id"}, map[string]rule{"usergroup_id": str(1, 255), "style": style}},
	"channel":   {[]string{"channel_id"}, map[string]rule{"channel_id": str(1, 255), "style": style}},
	"emoji":     {[]string{"name"}, map[string]rule{"name": str(1, 255), "unicode": str(1, 255), "style": style}},
	"broadcast": {[]string{"range"}, map[string]rule{"range": oneOf("here", "channel", "everyone"), "style": style}},
	"date":      {[]string{"timestamp", "format"}, map[string]rule{"timestamp": whole(0, 1<<40), "format": str(1, 255), "fallback": str(1, 255), "url": str(1, 3000)}},
})

var (
	pieces      = map[string]rule{"elements": many(1, 1000, richPiece)}
	bordered    = plus(pieces, map[string]rule{"border": whole(0, 1)})
	richSection = shape{[]string{"elements"}, pieces}
)

var richText = typed(map[string]shape{
	"rich_text_section":      richSection,
	"rich_text_quote":        {[]string{"elements"}, bordered},
	"rich_text_preformatted": {[]string{"elements"}, plus(bordered, map[string]rule{"language": str(1, 255)})},
	"rich_text_list": {[]string{"elements", "style"}, map[string]rule{
		"elements": many(1, 1000, typed(map[string]shape{"rich_text_section": richSection})),
		"style":    oneOf("bullet", "ordered"), "indent": whole(0, 8), "offset": whole(0, 1000), "border": whole(0, 1),
	}},
})

var cell = typed(map[string]shape{
	"raw_text":  {[]string{"text"}, map[string]rule{"text": str(1, 3000)}},
	"rich_text": {[]string{"elements"}, map[string]rule{"elements": many(1, 1000, richText)}},
})

var columnSetting = of(shape{nil, map[string]rule{"align": oneOf("left", "center", "right"), "is_wrapped": boolean}})
