package credentials

import (
	"fmt"
	"os"
	"strings"

	"alicdn_export_exporter/internal/smallfile"
)

// maxSecretBytes is more than any key or token has: STS takes 20,000 characters of an
// OIDC token.
const maxSecretBytes = 64 << 10

// secret says where a part of a key is: in a file or in an environment variable. It is
// read again whenever the key is needed.
type secret struct {
	name      string // of the key in the configuration file, without _file and _env
	file, env string // one of them is set
}

// read returns the secret without blanks and line ends around it. Its errors name the
// key and the problem, never the contents. They do not name the variable either: a
// secret looks like a name and may have been pasted into the wrong place.
func (s secret) read() (string, error) {
	place, value := s.name+"_env: the variable that it names", os.Getenv(s.env)
	if s.file != "" {
		place = fmt.Sprintf("%s_file: %s", s.name, s.file)
		content, err := smallfile.Read(s.file, maxSecretBytes)
		if err != nil {
			return "", fmt.Errorf("%s_file: %w", s.name, err)
		}
		value = string(content)
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", fmt.Errorf("%s is empty", place)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", fmt.Errorf("%s contains blanks or non-ASCII characters", place)
	}
	return value, nil
}
