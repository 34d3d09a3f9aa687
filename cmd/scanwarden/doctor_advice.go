package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"scanwarden/defender/entra"
	"scanwarden/tools"
)

func ok(format string, args ...any) finding {
	return finding{Status: fine, Says: fmt.Sprintf(format, args...)}
}

func badly(says, next string) finding { return finding{Status: wrong, Says: says, Next: next} }

func noted(says, next string) finding { return finding{Status: note, Says: says, Next: next} }

// bad is what an error says. Those of ours that know what to do next say it apart or at their end.
func bad(err error) finding {
	if refusal := (*tools.Refusal)(nil); errors.As(err, &refusal) {
		return badly(refusal.Reason, refusal.Next)
	}
	says, next := advised(err.Error())
	if failed := (*entra.Error)(nil); errors.As(err, &failed) && failed.Correlation != "" {
		next = strings.TrimSpace(next + " Should it stay so, quote the correlation id " + failed.Correlation + " to Microsoft.")
	}
	return badly(says, next)
}

// advice begins where one of our sentences turns from what is wrong to what to do: after a colon or a semicolon,
// with a verb. What an operating system says after a colon does not.
var advice = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[:;] (accept|add|allow|ask|assign|call|change|check|choose|compare|convert|copy|correct|create|do|` +
		`export|give|grant|have|keep|let|look|make|mend|move|name|put|remove|report|restore|run|set|sign in|start|take|try|` +
		`unset|upload|use|wait|where|write)\b`)
})

// advised parts a sentence before the advice in it; next is "" where there is none.
func advised(sentence string) (says, next string) {
	at := advice().FindStringIndex(sentence)
	if at == nil {
		return sentence, ""
	}
	return sentence[:at[0]], whole(sentence[at[0]+len("; "):])
}

// whole makes a sentence of a part of one.
func whole(part string) string {
	if part == "" || part[0] < 'a' || part[0] > 'z' {
		return part
	}
	return strings.ToUpper(part[:1]) + strings.TrimSuffix(part[1:], ".") + "."
}
