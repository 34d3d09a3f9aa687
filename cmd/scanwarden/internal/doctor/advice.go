package doctor

import (
	"errors"
	"regexp"
	"strings"
	"sync"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/defender/entra"
	"scanwarden/tools"
)

// problemFrom returns an error as a problem. What to do next comes from a refusal's own field, or from the end of the
// sentence.
func problemFrom(err error) config.Finding {
	if refusal := (*tools.Refusal)(nil); errors.As(err, &refusal) {
		return config.Problem(refusal.Reason, refusal.Next)
	}
	says, next := splitAdvice(err.Error())
	if failed := (*entra.Error)(nil); errors.As(err, &failed) && failed.Correlation != "" {
		next = strings.TrimSpace(next + " Should it stay so, quote the correlation id " + failed.Correlation + " to Microsoft.")
	}
	return config.Problem(says, next)
}

// reAdvice matches where one of our sentences turns from what is wrong to what to do: a colon or semicolon, followed by
// a verb. The texts of an operating system have no verb there.
var reAdvice = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[:;] (accept|add|allow|ask|assign|call|change|check|choose|compare|convert|copy|correct|create|do|` +
		`export|give|grant|have|keep|let|look|make|mend|move|name|put|remove|report|restore|run|set|sign in|start|take|try|` +
		`unset|upload|use|wait|where|write)\b`)
})

// splitAdvice splits a sentence before its advice. next is "" if it has none.
func splitAdvice(sentence string) (says, next string) {
	at := reAdvice().FindStringIndex(sentence)
	if at == nil {
		return sentence, ""
	}
	return sentence[:at[0]], asSentence(sentence[at[0]+len("; "):])
}

// asSentence returns a part of a sentence with a capital and a period.
func asSentence(part string) string {
	if part == "" || part[0] < 'a' || part[0] > 'z' {
		return part
	}
	return strings.ToUpper(part[:1]) + strings.TrimSuffix(part[1:], ".") + "."
}
