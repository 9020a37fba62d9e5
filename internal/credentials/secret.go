package credentials

import (
	"fmt"
	"os"
	"strings"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/smallfile"
)

// maxSecretBytes is larger than any key or token. STS accepts OIDC tokens of at most 20,000 characters.
const maxSecretBytes = 64 << 10

// secret is a part of a key in a file or an environment variable.
type secret struct {
	setting   string // its name in the configuration file, without _file and _env
	file, env string // one of them is set
}

// SettingsOfSecret returns the settings that say where a secret is, such as access_key_secret_file and
// access_key_secret_env. name is the name of the secret itself in any spelling, such as access_key_secret or
// AccessKeySecret. For every other name, SettingsOfSecret returns nil.
func SettingsOfSecret(name string) []string {
	plain := func(name string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	}
	var settings []string
	for _, f := range new(Config).fields() {
		if f.baseName() != f.name && plain(f.baseName()) == plain(name) {
			settings = append(settings, f.name)
		}
	}
	return settings
}

// SecretError says what is wrong with a file or an environment variable of a secret. It names the setting, but
// neither the value nor the variable: the user may have pasted a secret in place of the variable's name.
type SecretError struct {
	// Setting is the name in the configuration file, such as access_key_secret_file.
	Setting string

	cause error
}

// Error returns the setting and the cause.
func (e *SecretError) Error() string { return e.Setting + ": " + e.cause.Error() }

// Unwrap returns the cause, such as fs.ErrNotExist.
func (e *SecretError) Unwrap() error { return e.cause }

// read returns the current value without surrounding whitespace. Its error is a *SecretError.
func (s secret) read() (apiclient.Secret, error) {
	setting, place, value := s.setting+"_env", "the variable", os.Getenv(s.env)
	if s.file != "" {
		setting, place = s.setting+"_file", s.file
		content, err := smallfile.Read(s.file, maxSecretBytes)
		if err != nil {
			return "", &SecretError{setting, err}
		}
		value = string(content)
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", &SecretError{setting, fmt.Errorf("%s is empty", place)}
	}
	if hasOddCharacters(value) {
		return "", &SecretError{setting, fmt.Errorf("%s %s", place, oddCharacters)}
	}
	return apiclient.Secret(value), nil
}

const oddCharacters = "contains whitespace, control or non-ASCII characters"

// hasOddCharacters reports whether a text has a character that no key has, and that no HTTP header should have.
func hasOddCharacters(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' })
}
