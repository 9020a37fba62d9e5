package apiclient

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSecretBytes is more than any key or token has: STS takes 20,000 characters of
// an OIDC token.
const maxSecretBytes = 64 << 10

// Secret says where a part of a key stands: in a file, which is read again
// whenever the key is needed, or in an environment variable. One of them is set.
type Secret struct{ File, Env string }

// read returns the secret, without blanks and line ends around it. Its errors name
// the setting and what is wrong, never the contents. Nor do they name the variable:
// a secret has the form of a name, and is pasted into the wrong place sooner or later.
func (s Secret) read(setting string) (string, error) {
	place, content := setting+"_env: the variable that it names", os.Getenv(s.Env)
	if s.File != "" {
		place = fmt.Sprintf("%s_file: %s", setting, s.File)
		var err error
		if content, err = readSmall(s.File); err != nil {
			return "", fmt.Errorf("%s_file: %w", setting, err)
		}
	}
	content = strings.TrimSpace(content)
	if content == "" {
		return "", fmt.Errorf("%s is empty", place)
	}
	if strings.ContainsFunc(content, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", fmt.Errorf("%s holds more than the one word that is wanted", place)
	}
	return content, nil
}

// readSmall reads a file that is not endless. Nor is it a pipe, which would block.
func readSmall(path string) (string, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path) //nolint:gosec // The file that the user names is the one to read.
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretBytes+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxSecretBytes {
		return "", fmt.Errorf("%s is longer than %d KiB", path, maxSecretBytes>>10)
	}
	return string(content), nil
}
