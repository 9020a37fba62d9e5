package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// WriteJSON writes the document as JSON, with an indent that may be empty. It escapes
// unprintable characters: anyone who makes tasks can put them into a name, and a terminal
// may interpret them.
func (d Document) WriteJSON(w io.Writer, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		return err
	}
	_, err := w.Write(escapeUnprintable(text.Bytes()))
	return err
}

// escapeUnprintable escapes the unprintable characters that encoding/json does not escape.
// In JSON, they occur only in strings.
func escapeUnprintable(text []byte) []byte {
	unprintable := func(r rune) bool { return r >= unicode.MaxASCII && !unicode.IsPrint(r) }
	if bytes.IndexFunc(text, unprintable) < 0 {
		return text
	}
	var escaped bytes.Buffer
	for _, r := range string(text) {
		if !unprintable(r) {
			escaped.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			_, _ = fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
	}
	return escaped.Bytes()
}
