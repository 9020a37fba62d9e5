package accounts

import (
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/credentials"
)

// limiterLifetime is how long a limiter is kept after its last account is gone.
const limiterLifetime = time.Hour

// limiters keeps the rate limiters of the accounts across reloads, so that a reload does
// not reset an account's used quota. Accounts with the same endpoint and credentials
// settings share a limiter, because the API counts them as one account.
type limiters struct {
	concurrency int
	known       []*knownLimiter
}

// knownLimiter is a limiter and the accounts that use it, or used it last.
type knownLimiter struct {
	*apiclient.Limiter
	names    []string
	settings quotaSettings
	goneAt   time.Time // zero while an account uses it
}

// quotaSettings identify a quota. Accounts with equal ones share it.
type quotaSettings struct {
	endpoint    apiclient.Endpoint
	credentials credentials.Config
}

// quotaGroup is the accounts that share a quota.
type quotaGroup struct {
	names    []string
	settings quotaSettings
	rate     float64 // the lowest of the accounts
	limiter  *knownLimiter
}

func quotaSettingsOf(account config.Account) quotaSettings {
	return quotaSettings{account.Endpoint, account.Credentials}
}

// assign returns the limiter of each account's settings. It reuses the limiter of an
// account with the same name or, if an account was renamed, with the same settings.
func (l *limiters) assign(accounts []config.Account, now time.Time) map[quotaSettings]*apiclient.Limiter {
	groups := groupByQuota(accounts)
	free := slices.Clone(l.known)
	// Limiters in use come first, so that an unchanged account keeps its own.
	slices.SortStableFunc(free, func(a, b *knownLimiter) int { return a.goneAt.Compare(b.goneAt) })
	sameName := func(k *knownLimiter, g *quotaGroup) bool {
		return slices.ContainsFunc(k.names, func(name string) bool { return slices.Contains(g.names, name) })
	}
	sameSettings := func(k *knownLimiter, g *quotaGroup) bool { return k.settings == g.settings }
	for _, match := range []func(*knownLimiter, *quotaGroup) bool{
		func(k *knownLimiter, g *quotaGroup) bool { return sameName(k, g) && sameSettings(k, g) },
		sameName,
		sameSettings,
	} {
		for _, g := range groups {
			i := slices.IndexFunc(free, func(k *knownLimiter) bool { return match(k, g) })
			if g.limiter == nil && i >= 0 {
				g.limiter = free[i]
				free = slices.Delete(free, i, i+1)
			}
		}
	}
	l.known = nil
	assigned := make(map[quotaSettings]*apiclient.Limiter, len(groups))
	for _, g := range groups {
		if g.limiter == nil {
			g.limiter = &knownLimiter{Limiter: apiclient.NewLimiter(g.rate, l.concurrency)}
		}
		g.limiter.SetRate(g.rate)
		g.limiter.names, g.limiter.settings, g.limiter.goneAt = g.names, g.settings, time.Time{}
		l.known = append(l.known, g.limiter)
		assigned[g.settings] = g.limiter.Limiter
	}
	for _, k := range free {
		if k.goneAt.IsZero() {
			k.goneAt = now
		}
		if now.Sub(k.goneAt) < limiterLifetime {
			l.known = append(l.known, k)
		}
	}
	return assigned
}

// groupByQuota returns the accounts in groups, in the order of the configuration.
func groupByQuota(accounts []config.Account) []*quotaGroup {
	var groups []*quotaGroup
	for _, account := range accounts {
		settings, rate := quotaSettingsOf(account), float64(account.RateLimit)
		i := slices.IndexFunc(groups, func(g *quotaGroup) bool { return g.settings == settings })
		if i < 0 {
			groups = append(groups, &quotaGroup{settings: settings, rate: rate})
			i = len(groups) - 1
		}
		groups[i].names = append(groups[i].names, account.Name)
		groups[i].rate = min(groups[i].rate, rate)
	}
	return groups
}
