package simulator

import (
	"fmt"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestSetCredentials(t *testing.T) {
	t.Run("the token", func(t *testing.T) {
		const (
			malformed = "InvalidSecurityToken.Malformed"
			mismatch  = "InvalidSecurityToken.MismatchWithAccessKey"
			notFound  = "InvalidAccessKeyId.NotFound"
		)
		for name, tc := range map[string]struct {
			options   Options
			id, token string
			code      string // empty: accepted
		}{
			"given and sent":              {Options{SecurityToken: "mine"}, DefaultAccessKeyID, "mine", ""},
			"given, default sent":         {Options{SecurityToken: "mine"}, DefaultAccessKeyID, DefaultSecurityToken, mismatch},
			"given, none sent":            {Options{SecurityToken: "mine"}, DefaultAccessKeyID, "", malformed},
			"temporary key, default sent": {Options{AccessKeyID: "STS.mine"}, "STS.mine", DefaultSecurityToken, ""},
			"temporary key, none sent":    {Options{AccessKeyID: "STS.mine"}, "STS.mine", "", malformed},
			"own key, none sent":          {Options{AccessKeyID: "LTAImine"}, "LTAImine", "", ""},
			"own key, default key sent":   {Options{AccessKeyID: "LTAImine"}, DefaultAccessKeyID, "", notFound},
		} {
			tc.options.Now = fixedClock(noon)
			c := &simulatortest.Client{KeyID: tc.id, Secret: DefaultAccessKeySecret, Token: tc.token, Now: noon}
			for scheme, sign := range schemes(c) {
				t.Run(name+", "+scheme, func(t *testing.T) {
					w := simulatortest.Do(New(twoTasks(), tc.options), sign(nil))
					if got := simulatortest.DecodeError(t, w).Code; got != tc.code {
						t.Errorf("code %q, want %q", got, tc.code)
					}
				})
			}
		}
	})

	t.Run("replaces the previous credentials", func(t *testing.T) {
		s := newServer()
		first := newClient(noon)
		second := newClient(noon)
		second.KeyID, second.Secret, second.Token, second.NoncePrefix = "STS.second", "second", "second token", "second-"
		list := func(c *simulatortest.Client) string {
			t.Helper()
			w := simulatortest.Do(s, c.List(UsageAction))
			return strings.TrimSpace(fmt.Sprint(w.Code, " ", simulatortest.DecodeError(t, w).Code))
		}
		if got := list(first); got != "200" {
			t.Errorf("first key before: %s", got)
		}
		if got := list(second); got != "404 InvalidAccessKeyId.NotFound" {
			t.Errorf("second key before: %s", got)
		}
		s.SetCredentials(second.KeyID, second.Secret, second.Token)
		if got := list(first); got != "404 InvalidAccessKeyId.NotFound" {
			t.Errorf("first key after: %s", got)
		}
		if got := list(second); got != "200" {
			t.Errorf("second key after: %s", got)
		}
		second.Token = ""
		if got := list(second); got != "400 InvalidSecurityToken.Malformed" {
			t.Errorf("second key without its token: %s", got)
		}
	})
}
