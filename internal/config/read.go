package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxBytes is several times what a thousand accounts take, with all there is to say
// of each.
const maxBytes = 4 << 20

// read returns the bytes of a file that is not endless. Nor is it a pipe, which
// would block.
func read(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path) //nolint:gosec // The file that the user names is the one to read.
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxBytes {
		return nil, fmt.Errorf("%s is longer than %d MiB", path, maxBytes>>20)
	}
	return content, nil
}

// parse returns the one document of a YAML text, as it is written. Where there is
// another one or none, or what is no YAML at all, it notes that; it returns nil where
// nothing more can be said.
func (p *problems) parse(content []byte) *yaml.Node {
	if !p.characters(content) {
		return nil
	}
	document, second := new(yaml.Node), new(yaml.Node)
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(document)
	if err == nil {
		err = decoder.Decode(second)
	}
	switch {
	case err == nil:
		p.note(second.Line, "", "a second document is not read")
	case !errors.Is(err, io.EOF):
		p.syntax(err, content)
		return nil
	}
	return document
}

// characters notes the first byte that no YAML text holds, and reports whether there
// is none. The library does not tell its line.
func (p *problems) characters(content []byte) bool {
	for at := 0; at < len(content); {
		r, size := utf8.DecodeRune(content[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			p.note(lineOf(content, at), "", "is not UTF-8")
			return false
		case unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r), r == '\uFFFE', r == '\uFFFF':
			p.note(lineOf(content, at), "", fmt.Sprintf("holds the control character %U", r))
			return false
		}
		at += size
	}
	return true
}

var (
	libraryError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)
	// fromZero are the errors of the library's parser, which counts lines from 0; its
	// scanner counts them from 1.
	fromZero = regexp.MustCompile(`^did not find expected (key|node content|'-' indicator|',' or '.'|<document start>)$` +
		`|^found (duplicate|undefined|incompatible) `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.+)' referenced$`)
)

// syntax notes an error of the YAML library, which leaves out the line where it is
// the first or an alias's.
func (p *problems) syntax(err error, content []byte) {
	m := libraryError.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1]) // 0 where there is none.
	if fromZero.MatchString(m[2]) {
		line++
	} else if anchor := unknownAnchor.FindStringSubmatch(m[2]); anchor != nil {
		line = lineOf(content, bytes.Index(content, []byte("*"+anchor[1])))
	}
	p.note(min(max(line, 1), lineOf(content, len(content))), "", m[2])
}

// lineOf is the line of an offset.
func lineOf(content []byte, offset int) int {
	return 1 + bytes.Count(content[:max(offset, 0)], []byte("\n"))
}
