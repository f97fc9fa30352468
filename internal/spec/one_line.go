package spec

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxReason bounds in bytes what a reason repeats of a text that came from outside: it goes into logs and answers.
const MaxReason = 200

// OneLine makes one bounded line, fit to print, of a text that came from outside.
func OneLine(text string) string {
	text = strings.ToValidUTF8(text, "?")
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	if len(text) <= MaxReason {
		return text
	}
	cut := MaxReason
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
