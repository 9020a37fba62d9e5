package accounts_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/internal/accounts"
)

// of returns a file's entry for an account with this name, key and rate limit.
func of(name, key string, rate int) string {
	return fmt.Sprintf("{name: %s, rate_limit: %d, credentials: {type: access_key, "+
		"access_key_id_env: %s_ID, access_key_secret_env: %s_SECRET}}", name, rate, key, key)
}

// reloaded loads a file with these accounts.
func (f *fixture) reloaded(entries ...string) []*accounts.Account {
	f.t.Helper()
	file := "accounts:\n"
	for _, entry := range entries {
		file += "- " + entry + "\n"
	}
	f.write(file)
	all, err := f.Load()
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

func TestLimiters(t *testing.T) {
	// same is whether the first account of the last load has the limiter of the first
	// account of the first load.
	for name, tc := range map[string]struct {
		loads [][]string
		wait  time.Duration // before the last load
		same  bool
	}{
		"an account that stays": {
			loads: [][]string{{of("a", "A", 1)}, {of("a", "A", 1)}}, same: true,
		},
		"a new rate": {
			loads: [][]string{{of("a", "A", 1)}, {of("a", "A", 2)}}, same: true,
		},
		"new credentials": {
			loads: [][]string{{of("a", "A", 1)}, {of("a", "B", 1)}}, same: true,
		},
		"a new name": {
			loads: [][]string{{of("a", "A", 1)}, {of("b", "A", 1)}}, same: true,
		},
		"a new name, again and again": {
			loads: [][]string{{of("a", "A", 1)}, {of("b", "A", 1)}, {of("c", "A", 1)}, {of("d", "A", 1)}}, same: true,
		},
		"a new name and new credentials": {
			loads: [][]string{{of("a", "A", 1)}, {of("b", "B", 1)}},
		},
		"another endpoint": {
			loads: [][]string{{of("a", "A", 1)}, {"{name: b, endpoint: cdn.example.com, " + of("b", "A", 1)[len("{name: b, "):]}},
		},
		"one that was gone for less than an hour": {
			loads: [][]string{{of("a", "A", 1)}, {of("x", "X", 1)}, {of("a", "A", 1)}}, wait: 59 * time.Minute, same: true,
		},
		"one that was gone for an hour": {
			loads: [][]string{{of("a", "A", 1)}, {of("x", "X", 1)}, {of("a", "A", 1)}}, wait: time.Hour,
		},
		"one that is back under another name": {
			loads: [][]string{{of("a", "A", 1)}, {of("x", "X", 1)}, {of("b", "A", 1)}}, same: true,
		},
		"one that is back with other credentials": {
			loads: [][]string{{of("a", "A", 1)}, {of("x", "X", 1)}, {of("a", "B", 1)}}, same: true,
		},
		"the name counts more than the credentials": {
			loads: [][]string{{of("a", "A", 1)}, {of("b", "A", 1), of("a", "B", 1)}},
		},
		"another account with the same credentials": {
			loads: [][]string{{of("a", "A", 1)}, {of("b", "A", 1), of("a", "A", 1)}}, same: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, "accounts: [{name: none}]")
			synctest.Test(t, func(t *testing.T) {
				before := f.reloaded(tc.loads[0]...)[0].Limiter
				for i, load := range tc.loads[1:] {
					if i == len(tc.loads)-2 {
						time.Sleep(tc.wait) // Fake time.
						// A reload that changes nothing may come at any time.
						f.reloaded(tc.loads[i]...)
					}
					if after := f.reloaded(load...)[0].Limiter; i == len(tc.loads)-2 && (after == before) != tc.same {
						t.Errorf("the same limiter: %v, want %v", after == before, tc.same)
					}
				}
			})
		})
	}

	t.Run("accounts with the same credentials share one at the lowest rate", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: none}]")
		all := f.reloaded(of("a", "A", 5), of("b", "A", 2), of("c", "C", 7), of("d", "A", 3))
		for i, want := range []float64{2, 2, 7, 2} {
			if got := all[i].Client.RateLimit(); got != want {
				t.Errorf("account %d has the rate %v, want %v", i, got, want)
			}
		}
		if all[0].Limiter != all[1].Limiter || all[0].Limiter != all[3].Limiter || all[0].Limiter == all[2].Limiter {
			t.Error("a, b and d do not share a limiter, or c shares theirs")
		}
		// The slowest account is gone. The other two keep the limiter, and its rate rises.
		next := f.reloaded(of("a", "A", 5), of("c", "C", 7), of("d", "A", 3))
		if next[0] != all[0] || next[2] != all[3] || next[0].Client.RateLimit() != 3 {
			t.Errorf("a is new, or d is, or the rate %v is not 3", next[0].Client.RateLimit())
		}
		// One account gets another key.
		next = f.reloaded(of("a", "A", 5), of("d", "D", 3))
		if next[0] != all[0] || next[0].Client.RateLimit() != 5 || next[1].Limiter == all[0].Limiter {
			t.Error("a is new, or has not its own rate, or shares its limiter still")
		}
		// It gets its old key again.
		next = f.reloaded(of("d", "A", 3), of("a", "A", 5))
		if next[1] != all[0] || next[0].Limiter != all[0].Limiter || next[0].Client.RateLimit() != 3 {
			t.Error("a is new, or does not share its limiter again")
		}
	})

	t.Run("an account joins another one", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: none}]")
		all := f.reloaded(of("b", "B", 1), of("a", "A", 1))
		next := f.reloaded(of("b", "A", 1), of("a", "A", 1))
		if next[1] != all[1] || next[0].Limiter != all[1].Limiter {
			t.Error("a is new, or b has not its limiter")
		}
	})

	t.Run("accounts without credentials of their own share one", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: none}]")
		all := f.reloaded("{name: a}", "{name: b}", "{name: c, endpoint: cdn.example.com}")
		if all[0].Limiter != all[1].Limiter || all[0].Limiter == all[2].Limiter {
			t.Error("a and b do not share a limiter, or c shares theirs")
		}
	})
}
