package faults_test

import (
	"net/http"
	"os"
	"path/filepath"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// keyFaults are keys that the API refuses, and keys that are not there.
func keyFaults() []fault {
	refusedKey := func(name, code string, f fault) fault {
		f.kind, f.name, f.want, f.code, f.class, f.ownKey = 24, name, refused, code, "credentials", true
		// A refused key is not tried again and again: one call for a refresh, two if the token is renewed.
		f.during = func(c *cell, last page) {
			calls, refreshes := c.world.count(), last.refreshes()
			again := c.scrapeUntil("two more refreshes", func(p page) bool { return p.refreshes() >= refreshes+2 })
			if n := c.world.count() - calls; float64(n) > 2*(again.refreshes()-refreshes+1) {
				c.Errorf("I4: %d calls in %v refreshes with a key that is refused", n, again.refreshes()-refreshes)
			}
		}
		return f
	}
	accepted := func(change func(*credentialstest.Key)) func(*cell) func() {
		return func(c *cell) func() {
			key := c.key
			change(&key)
			c.world.setKey(key)
			return func() { c.world.setKey(c.key) }
		}
	}
	return []fault{
		refusedKey("unknown_key", "InvalidAccessKeyId.NotFound", fault{
			begin: accepted(func(key *credentialstest.Key) { key.ID = "LTAIanother" }),
		}),
		refusedKey("wrong_secret", "SignatureDoesNotMatch", fault{
			begin: accepted(func(key *credentialstest.Key) { key.Secret = "another" }),
		}),
		refusedKey("wrong_token", "InvalidSecurityToken.*", fault{
			begin: accepted(func(key *credentialstest.Key) { key.Token = "another" }),
		}),
		refusedKey("disabled_key", "InvalidAccessKeyId.Inactive", fault{
			answer: apiError(http.StatusBadRequest, "InvalidAccessKeyId.Inactive"),
		}),
		refusedKey("expired_token", "InvalidSecurityToken.Expired", fault{
			answer: apiError(http.StatusForbidden, "InvalidSecurityToken.Expired"),
		}),
		// The new key appears in the files when the fault ends.
		refusedKey("key_rotated", "InvalidAccessKeyId.NotFound", fault{begin: func(c *cell) func() {
			c.key.ID, c.key.Secret, c.key.Token = c.key.ID+"next", c.key.Secret+"Next", c.key.Token+"Next"
			c.world.setKey(c.key)
			return c.writeKey
		}}),
		refusedKey("key_file_missing", "credentials", fault{begin: func(c *cell) func() {
			key := c.key
			key.ID += "old"
			c.world.setKey(key) // A key that works would be kept.
			c.must(os.Remove(filepath.Join(c.keys, "secret")))
			return func() { c.world.setKey(c.key); c.writeKey() }
		}}),
		refusedKey("key_file_empty", "credentials", fault{begin: func(c *cell) func() {
			key := c.key
			key.ID += "old"
			c.world.setKey(key)
			c.write(filepath.Join(c.keys, "secret"), "")
			return func() { c.world.setKey(c.key); c.writeKey() }
		}}),
	}
}
