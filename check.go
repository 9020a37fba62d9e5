package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/internal/check"
	"alicdn_export_exporter/internal/config"
)

// runCheck tries the accounts one after the other, each within the time of a
// refresh.
func runCheck(ctx context.Context, flags *config.Flags, out io.Writer) error {
	accounts, err := newAccounts(ctx, flags, log.NewNopLogger())
	if err != nil {
		return err
	}
	defer accounts.close()
	if _, err := accounts.load(); err != nil {
		return err
	}
	if err := accounts.findKey(ctx); err != nil {
		return err
	}
	right := true
	for i, account := range accounts.running {
		if i > 0 {
			_, _ = fmt.Fprintln(out)
		}
		right = account.check(ctx, flags.RefreshTimeout, out) && right
	}
	if !right {
		return errors.New("not all is right, see above")
	}
	return nil
}

func (a *account) check(ctx context.Context, timeout time.Duration, out io.Writer) (right bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return check.Run(ctx, out, check.Config{
		Account:     a.watched,
		Endpoint:    a.endpoint,
		Credentials: a.credentials,
		Client:      a.client,
		Now:         time.Now(),
	})
}
