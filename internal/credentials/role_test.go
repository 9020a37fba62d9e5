package credentials_test

import (
	"context"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

func TestSourceWithRole(t *testing.T) {
	// The library would prefer a token in the environment.
	t.Run("defaults to the variables of RRSA and ignores a token in the environment", func(t *testing.T) {
		noKeys(t)
		sts := new(credentialstest.STS)
		sts.SetRole(credentialstest.Role{ARN: testRole, OIDCProviderARN: testProvider, OIDCToken: "token.of.cluster"})
		sts.Issue(sessionKey("first"), time.Hour)
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": sts})
		t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN", "another.token")
		source := newSource(credentials.Config{Type: credentials.TypeOIDCRoleARN})
		for _, variable := range []struct{ setting, name, value string }{
			{"role_arn", "ALIBABA_CLOUD_ROLE_ARN", testRole},
			{"oidc_provider_arn", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", testProvider},
			{"oidc_token_file", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", secretFile(t, "token.of.cluster")},
		} {
			want := "oidc_role_arn: neither " + variable.setting + " nor the variable " + variable.name + " is set"
			if _, err := source.Credentials(context.Background()); err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
			t.Setenv(variable.name, variable.value)
		}
		wantSession(t, source, "first", "oidc_role_arn")
		if name := sts.SessionName(); name != "alicdn_export_exporter" {
			t.Errorf("session name = %q", name)
		}
		t.Setenv("ALIBABA_CLOUD_ROLE_SESSION_NAME", "from-environment")
		credentials.Age(source, time.Minute)
		wantSession(t, source, "first", "oidc_role_arn")
		if name := sts.SessionName(); name != "from-environment" {
			t.Errorf("session name = %q", name)
		}
	})

	t.Run("assumes a role with the current key in files and variables", func(t *testing.T) {
		noKeys(t)
		sts := new(credentialstest.STS)
		base := credentialstest.Key{ID: "STS.base", Secret: "s1", Token: "t1"}
		sts.SetRole(credentialstest.Role{Key: base, ARN: testRole})
		sts.Issue(sessionKey("first"), time.Hour)
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": sts})
		t.Setenv("BASE_TOKEN", base.Token)
		id, secret := secretFile(t, base.ID), secretFile(t, base.Secret)
		source := newSource(credentials.Config{
			Type: credentials.TypeRAMRoleARN, RoleARN: testRole, RoleSessionName: "ours",
			AccessKeyIDFile: id, AccessKeySecretFile: secret, SecurityTokenEnv: "BASE_TOKEN",
		})
		wantSession(t, source, "first", "ram_role_arn")
		if name := sts.SessionName(); name != "ours" {
			t.Errorf("session name = %q", name)
		}

		base.Secret = "s2"
		sts.SetRole(credentialstest.Role{Key: base, ARN: testRole})
		sts.Issue(sessionKey("second"), time.Hour)
		key, _ := source.Credentials(context.Background())
		source.Reject(key)
		const want = "ram_role_arn: STS returned no key for the role: SignatureDoesNotMatch"
		if _, err := source.Credentials(context.Background()); err == nil || err.Error() != want {
			t.Errorf("with the old key: error = %v, want %s", err, want)
		}
		overwrite(t, secret, base.Secret)
		wantSession(t, source, "second", "ram_role_arn")

		sts.Issue(sessionKey("third"), time.Hour)
		base.ID, base.Token = "STS.other", "t2"
		sts.SetRole(credentialstest.Role{Key: base, ARN: testRole})
		overwrite(t, id, base.ID)
		t.Setenv("BASE_TOKEN", base.Token)
		credentials.Age(source, time.Minute)
		wantSession(t, source, "third", "ram_role_arn")
	})
}
