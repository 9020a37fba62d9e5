package apiclient

import (
	"fmt"
	"io"
)

// Secret is a text that must not be displayed. It prints as <redacted> for every verb, also
// within exported fields of a struct. string(s) is the text.
type Secret string

const redacted = "<redacted>"

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the text from JSON and other encodings.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
