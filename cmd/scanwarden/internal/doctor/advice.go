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

// problemFrom is what an error says. Those of ours that know what to do next say it apart or at their end.
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

// reAdvice begins where one of our sentences turns from what is wrong to what to do: after a colon or a semicolon,
// with a verb. What an operating system says after a colon does not.
var reAdvice = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[:;] (accept|add|allow|ask|assign|call|change|check|choose|compare|convert|copy|correct|create|do|` +
		`export|give|grant|have|keep|let|look|make|mend|move|name|put|remove|report|restore|run|set|sign in|start|take|try|` +
		`unset|upload|use|wait|where|write)\b`)
})

// splitAdvice parts a sentence before the advice in it; next is "" where there is none.
func splitAdvice(sentence string) (says, next string) {
	at := reAdvice().FindStringIndex(sentence)
	if at == nil {
		return sentence, ""
	}
	return sentence[:at[0]], asSentence(sentence[at[0]+len("; "):])
}

// asSentence makes a sentence of a part of one.
func asSentence(part string) string {
	if part == "" || part[0] < 'a' || part[0] > 'z' {
		return part
	}
	return strings.ToUpper(part[:1]) + strings.TrimSuffix(part[1:], ".") + "."
}
