package config

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"alicdn_export_exporter/internal/smallfile"
)

const (
	// maxFileBytes is several times what a thousand accounts with ten expectations take.
	maxFileBytes = 4 << 20
	// maxItems bounds accounts and expectations together, because aliases can multiply
	// them.
	maxItems = 100_000
)

// ConfigVersion returns a text that changes with the content of the configuration file or, if the
// file cannot be read, with the error. It is empty without a file.
func (f *Flags) ConfigVersion() string {
	if f.ConfigFile == "" {
		return ""
	}
	content, err := smallfile.Read(f.ConfigFile, maxFileBytes)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

// file is a configuration file.
type file struct {
	Accounts []yaml.Node `yaml:"accounts"`
}

// Load reads the accounts of a configuration file: at least one, with different names.
// Keys that an account leaves out are taken from defaults. The error lists all mistakes,
// one a line, each with file, line and key.
func Load(path string, defaults Account) ([]Account, error) {
	content, err := smallfile.Read(path, maxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("--config.file: %w", err)
	}
	m := newMistakes(path)
	document := m.parse(content)
	if document == nil {
		return nil, m.err()
	}
	var read file
	m.load(document, &read)
	if len(read.Accounts) == 0 {
		m.add("accounts", "must list at least one account")
	}

	var accounts []Account
	items := len(read.Accounts)
	keys := make(map[string]string) // the key of the account with a name
	for i := range read.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		account := defaults
		m.load(&read.Accounts[i], &account)
		if !m.readable("") {
			break
		}
		if items += len(account.Expectations); items > maxItems || m.loadErrors > maxItems {
			m.note(0, "", fmt.Sprintf("more than %d accounts and expectations, or mistakes in them", maxItems))
			break
		}
		account.check(
			func(name string) bool { return m.readable(key + "." + name) },
			func(name, reason string) { m.add(key+"."+name, reason) },
		)
		account.Credentials.ResolvePaths(filepath.Dir(path))
		if m.readable(key + ".name") {
			other, taken := keys[account.Name]
			switch {
			case !taken:
				keys[account.Name] = key
			case m.lines[key+".name"] == 0 && account.Name == defaults.Name:
				m.add(key+".name", fmt.Sprintf("is required: %s has the default name %q", other, account.Name))
			default:
				m.add(key+".name", fmt.Sprintf("duplicate account name %q (also %s)", account.Name, other))
			}
		}
		accounts = append(accounts, account)
	}
	return accounts, m.err()
}
