package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"alicdn_export_exporter/internal/accounts"
)

// choose returns the accounts with the given names, in the order of the configuration, or
// all accounts if names is empty.
func choose(all []*accounts.Account, names []string) ([]*accounts.Account, error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	var chosen []*accounts.Account
	for _, account := range all {
		known = append(known, account.Collected.Name)
		if slices.Contains(names, account.Collected.Name) {
			chosen = append(chosen, account)
		}
	}
	var errs []error
	for _, name := range names {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("there is no account %q, only %s", name, strings.Join(known[:min(len(known), 10)], ", ")))
		}
	}
	return chosen, errors.Join(errs...)
}
