package credentials

import (
	"fmt"
	"os"
	"strings"

	"alicdn_export_exporter/internal/smallfile"
)

// maxSecretBytes is larger than any key or token. STS accepts OIDC tokens of at most 20,000 characters.
const maxSecretBytes = 64 << 10

// secret is a part of a key in a file or an environment variable.
type secret struct {
	setting   string // its name in the configuration file, without _file and _env
	file, env string // one of them is set
}

// read returns the current value without surrounding whitespace. Its errors name the setting, never the value. They do
// not name the variable either: the user may have pasted a secret there, which can look like a name.
func (s secret) read() (string, error) {
	place, value := s.setting+"_env: the variable", os.Getenv(s.env)
	if s.file != "" {
		place = fmt.Sprintf("%s_file: %s", s.setting, s.file)
		content, err := smallfile.Read(s.file, maxSecretBytes)
		if err != nil {
			return "", fmt.Errorf("%s_file: %w", s.setting, err)
		}
		value = string(content)
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", fmt.Errorf("%s is empty", place)
	}
	if hasOddCharacters(value) {
		return "", fmt.Errorf("%s %s", place, oddCharacters)
	}
	return value, nil
}

const oddCharacters = "contains whitespace, control or non-ASCII characters"

// hasOddCharacters reports whether a text has a character that no key has, and that no HTTP header should have.
func hasOddCharacters(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' })
}
