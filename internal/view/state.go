package view

import (
	"fmt"
	"strings"

	"alicdn_export_exporter/collector"
)

// State sums up an export or an account. A greater one is more severe.
type State int

// The states.
const (
	// Fine: there is no problem.
	Fine State = iota
	// Notable: nothing is missing, but someone should look at it.
	Notable
	// NotReadYet: the list has not been read yet.
	NotReadYet
	// ExportMissing: a person must make an export, or make it again.
	ExportMissing
	// Unreadable: the list cannot be read.
	Unreadable
)

// MarshalText returns the state's name.
func (s State) MarshalText() ([]byte, error) {
	return []byte([...]string{"fine", "notable", "not_read_yet", "export_missing", "unreadable"}[s]), nil
}

// Words says the state in a few words.
func (s State) Words() string {
	return [...]string{"fine", "works, see below", "not read yet", "needs an export", "cannot be read"}[s]
}

// stateOf returns the state of the most severe problem.
func stateOf(problems []Problem) State {
	state := Fine
	for _, problem := range problems {
		switch problem.Kind.Severity() {
		case collector.Notable:
			state = max(state, Notable)
		case collector.ExportMissing:
			state = max(state, ExportMissing)
		case collector.Unreadable:
			state = max(state, Unreadable)
		}
	}
	return state
}

// verdict sums up all accounts in one line, the most severe state first.
func verdict(accounts []Account) (State, string) {
	worst := Fine
	names := make(map[State][]string)
	for _, account := range accounts {
		worst = max(worst, account.State)
		names[account.State] = append(names[account.State], account.Account)
	}
	if len(accounts) == 0 {
		return Fine, "No accounts are configured"
	}
	if worst == Fine {
		if len(accounts) == 1 {
			return Fine, accounts[0].Account + " is fine"
		}
		return Fine, fmt.Sprintf("All %d accounts are fine", len(accounts))
	}
	var parts []string
	for state := Unreadable; state > Fine; state-- {
		if len(names[state]) > 0 {
			parts = append(parts, listNames(names[state])+" "+state.verb(len(names[state])))
		}
	}
	if fine := len(names[Fine]); fine > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d accounts fine", fine, len(accounts)))
	}
	return worst, strings.Join(parts, "; ")
}

// verb returns the rest of a sentence whose subject is n accounts.
func (s State) verb(n int) string {
	plural := map[State]string{
		Notable: "work, with remarks", NotReadYet: "have not been read yet", ExportMissing: "need an export", Unreadable: "cannot be read",
	}
	singular := map[State]string{
		Notable: "works, with a remark", NotReadYet: "has not been read yet", ExportMissing: "needs an export", Unreadable: "cannot be read",
	}
	if n == 1 {
		return singular[s]
	}
	return plural[s]
}

// maxNames is the maximum number of accounts that a verdict names for each state.
const maxNames = 3

func listNames(names []string) string {
	switch {
	case len(names) > maxNames:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	case len(names) == 1:
		return names[0]
	default:
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
}
