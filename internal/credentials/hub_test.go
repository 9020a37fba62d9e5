package credentials_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

const (
	hubRole    = "acs:ram::1000000000000000:role/hub"
	memberRole = "acs:ram::2000000000000000:role/cdn-exports"
	memberSTS  = "sts.cn-hangzhou.aliyuncs.com"

	denied = " (the caller needs sts:AssumeRole on the role, and the role's trust policy must name the caller and the " +
		"external id, if there is one)"
)

// member has no key of its own.
var member = credentials.Config{Type: credentials.TypeRAMRoleARN, RoleARN: memberRole, STSEndpoint: memberSTS}

// hub is a source of the default chain, and the member's STS, which accepts the key "hub1" of that source.
type hub struct {
	server interface {
		Issue(credentialstest.Key, time.Duration)
		Fail(http.HandlerFunc)
		Calls() int
	}
	provider string // as the chain names the source
	sts      *credentialstest.STS
	chain    *credentials.Source
}

// forEachHub runs a test with each service that the default chain gets keys from. All keys expire so soon that every
// fetch renews them.
func forEachHub(t *testing.T, test func(*testing.T, *hub)) {
	t.Helper()
	for provider, start := range map[string]func(*testing.T, *hub) credentialstest.Hosts{
		"default/ecs_ram_role": func(t *testing.T, h *hub) credentialstest.Hosts {
			metadata := &credentialstest.Metadata{RoleName: "hub"}
			t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
			h.server = metadata
			return credentialstest.Hosts{credentialstest.MetadataHost: metadata}
		},
		"default/oidc_role_arn": func(t *testing.T, h *hub) credentialstest.Hosts {
			sts := new(credentialstest.STS)
			sts.SetRole(credentialstest.Role{ARN: hubRole, OIDCProviderARN: testProvider, OIDCToken: "token.of.cluster"})
			t.Setenv("ALIBABA_CLOUD_ROLE_ARN", hubRole)
			t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", testProvider)
			t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", secretFile(t, "token.of.cluster"))
			h.server = sts
			return credentialstest.Hosts{"sts.aliyuncs.com": sts}
		},
		"default/credential_uri": func(t *testing.T, h *hub) credentialstest.Hosts {
			uri := new(credentialstest.URI)
			t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", "http://keys.example.com/")
			h.server = uri
			return credentialstest.Hosts{"keys.example.com": uri}
		},
	} {
		t.Run(provider, func(t *testing.T) {
			noKeys(t)
			h := &hub{provider: provider, sts: new(credentialstest.STS), chain: newSource(credentials.Config{})}
			hosts := start(t, h)
			hosts[memberSTS] = h.sts
			network.Serve(t, hosts)
			h.issue("hub1")
			h.sts.SetRole(credentialstest.Role{ARN: memberRole, Key: sessionKey("hub1")})
			h.sts.Issue(sessionKey("member1"), 170*time.Second)
			test(t, h)
		})
	}
}

func (h *hub) issue(name string) { h.server.Issue(sessionKey(name), 170*time.Second) }

// age makes both layers so old that the next call fetches their keys.
func (h *hub) age(source *credentials.Source) {
	credentials.Age(h.chain, time.Minute)
	credentials.Age(source, time.Minute)
}

func TestSourceWithHub(t *testing.T) {
	t.Run("renews the tokens of both layers", func(t *testing.T) {
		forEachHub(t, func(t *testing.T, h *hub) {
			source := credentials.NewSource(member, h.chain, nil)
			wantSession(t, source, "member1", "ram_role_arn/"+h.provider)
			h.issue("hub2")
			h.sts.SetRole(credentialstest.Role{ARN: memberRole, Key: sessionKey("hub2")})
			h.sts.Issue(sessionKey("member2"), 170*time.Second)
			wantSession(t, source, "member1", "ram_role_arn/"+h.provider) // A key is cached for 30 s.
			h.age(source)
			wantSession(t, source, "member2", "ram_role_arn/"+h.provider)
			if hubCalls, calls := h.server.Calls(), h.sts.Calls(); hubCalls != 2 || calls != 2 {
				t.Errorf("%d requests for the hub's keys and %d for the member's, want 2 and 2", hubCalls, calls)
			}

			h.sts.Issue(sessionKey("member3"), time.Hour)
			key, _ := source.Credentials(context.Background())
			source.Reject(key)
			wantSession(t, source, "member3", "ram_role_arn/"+h.provider)
			// This key is valid for long, so neither layer is renewed.
			h.age(source)
			wantSession(t, source, "member3", "ram_role_arn/"+h.provider)
			if hubCalls, calls := h.server.Calls(), h.sts.Calls(); hubCalls != 2 || calls != 3 {
				t.Errorf("%d requests for the hub's keys and %d for the member's, want 2 and 3", hubCalls, calls)
			}
		})
	})

	t.Run("replaces an expired token of the hub within the same call", func(t *testing.T) {
		forEachHub(t, func(t *testing.T, h *hub) {
			wantKey(t, h.chain, "STS.hub1")
			h.issue("hub2") // The chain has cached hub1.
			h.sts.SetRole(credentialstest.Role{ARN: memberRole, Key: sessionKey("hub2"), Expired: sessionKey("hub1")})
			wantSession(t, credentials.NewSource(member, h.chain, nil), "member1", "ram_role_arn/"+h.provider)
			if n := h.sts.Calls(); n != 2 {
				t.Errorf("%d requests to the member's STS, want 2", n)
			}
		})
	})

	t.Run("says which layer failed", func(t *testing.T) {
		forEachHub(t, func(t *testing.T, h *hub) {
			expect := func(when string, config credentials.Config, want string, wantCalls int) {
				t.Helper()
				before := h.sts.Calls()
				_, err := credentials.NewSource(config, h.chain, nil).Credentials(context.Background())
				if err == nil || err.Error() != "ram_role_arn: "+want {
					t.Errorf("%s: error = %v, want %s", when, err, want)
				}
				if n := h.sts.Calls() - before; n != wantCalls {
					t.Errorf("%s: %d requests to the member's STS, want %d", when, n, wantCalls)
				}
			}
			assumeRole := "STS returned no key for the role, called with the key from " + h.provider + ": "
			withID, other := member, member
			withID.ExternalID, other.RoleARN = "wrong", memberRole+"-2"
			expect("a role that the hub may not assume", withID, assumeRole+"NoPermission"+denied, 1)
			expect("a role that does not exist", other, assumeRole+"EntityNotExist.Role", 1)
			if n := h.server.Calls(); n != 1 {
				t.Errorf("%d requests for the hub's key, want 1: STS accepts it", n)
			}

			// The hub has no newer token, so a second attempt would fail too.
			h.sts.SetRole(credentialstest.Role{ARN: memberRole, Expired: sessionKey("hub1")})
			expect("an expired token of the hub", member, assumeRole+"InvalidSecurityToken.Expired", 1)

			h.server.Fail(unavailable)
			credentials.Age(h.chain, time.Minute)
			const noKey = "no key to assume the role with: "
			before := h.sts.Calls()
			_, err := credentials.NewSource(member, h.chain, nil).Credentials(context.Background())
			if err == nil || !strings.HasPrefix(err.Error(), "ram_role_arn: "+noKey) || contains(err.Error(), "Canary") {
				t.Errorf("an expired token that the hub cannot renew: error = %v, want %s", err, noKey)
			}
			if n := h.sts.Calls() - before; n > 1 {
				t.Errorf("an expired token that the hub cannot renew: %d requests to the member's STS, want 1 at most", n)
			}
			if _, err := credentials.NewSource(member, h.chain, nil).Credentials(context.Background()); err == nil ||
				!strings.HasPrefix(err.Error(), "ram_role_arn: "+noKey) {
				t.Errorf("no key of the hub: error = %v, want %s", err, noKey)
			}
		})
	})

	t.Run("keeps the role's token while the hub has no key, and reports it", func(t *testing.T) {
		forEachHub(t, func(t *testing.T, h *hub) {
			var reported []string
			source := credentials.NewSource(member, h.chain, func(err error) {
				if err == nil {
					reported = append(reported, "works again")
					return
				}
				parts := strings.SplitN(err.Error(), ": ", 3) // The third is the chain's own error.
				reported = append(reported, parts[0]+": "+parts[1])
			})
			wantSession(t, source, "member1", "ram_role_arn/"+h.provider)
			h.server.Fail(unavailable)
			h.sts.SetRole(credentialstest.Role{ARN: memberRole, Key: sessionKey("hub2"), Expired: sessionKey("hub1")})
			for range 3 {
				h.age(source)
				wantSession(t, source, "member1", "ram_role_arn/"+h.provider)
			}
			h.issue("hub2")
			h.sts.Issue(sessionKey("member2"), time.Hour)
			h.age(source)
			wantSession(t, source, "member2", "ram_role_arn/"+h.provider)
			want := []string{"ram_role_arn: no key to assume the role with", "works again"}
			if diff := cmp.Diff(want, reported); diff != "" {
				t.Errorf("-want +reported:\n%s", diff)
			}
		})
	})

	t.Run("uses a key or a token in the environment", func(t *testing.T) {
		for provider, key := range map[string]credentialstest.Key{
			"env/permanent": {ID: "LTAIhub", Secret: "s"},
			"env/temporary": sessionKey("hub"),
		} {
			t.Run(provider, func(t *testing.T) {
				noKeys(t)
				t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key.ID)
				t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", key.Secret)
				t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", key.Token)
				sts := new(credentialstest.STS)
				sts.SetRole(credentialstest.Role{ARN: memberRole, Key: key})
				sts.Issue(sessionKey("member"), time.Hour)
				network.Serve(t, credentialstest.Hosts{memberSTS: sts})
				source := credentials.NewSource(member, newSource(credentials.Config{}), nil)
				wantSession(t, source, "member", "ram_role_arn/default/env")
			})
		}
	})

	t.Run("shares the hub's key among roles", func(t *testing.T) {
		forEachHub(t, func(t *testing.T, h *hub) {
			var roles sync.WaitGroup
			for range 20 {
				roles.Go(func() {
					source := credentials.NewSource(member, h.chain, nil)
					if key, err := source.Credentials(context.Background()); err != nil || key.AccessKeyID != "STS.member1" {
						t.Errorf("%q, %v", key.AccessKeyID, err)
					}
				})
			}
			roles.Wait()
			if hubCalls, calls := h.server.Calls(), h.sts.Calls(); hubCalls != 1 || calls != 20 {
				t.Errorf("%d requests for the hub's key and %d for the roles', want 1 and 20", hubCalls, calls)
			}
		})
	})

	t.Run("names a hub that hangs before the API call times out", func(t *testing.T) {
		noKeys(t)
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, err := credentials.NewSource(member, hangingHub{}, nil).Credentials(context.Background())
			const want = "ram_role_arn: no key to assume the role with: the default chain did not return one within 8s"
			if took := time.Since(began); err == nil || err.Error() != want || took != 8*time.Second {
				t.Errorf("error = %v after %s, want %s", err, took, want)
			}
		})
	})

	t.Run("needs no hub with a key of its own", func(t *testing.T) {
		noKeys(t)
		sts := new(credentialstest.STS)
		sts.SetRole(credentialstest.Role{ARN: memberRole, Key: credentialstest.Key{ID: "LTAIown", Secret: "s"}})
		sts.Issue(sessionKey("member"), time.Hour)
		network.Serve(t, credentialstest.Hosts{memberSTS: sts})
		own := member
		own.AccessKeyIDFile, own.AccessKeySecretFile = secretFile(t, "LTAIown"), secretFile(t, "s")
		wantSession(t, credentials.NewSource(own, brokenHub{}, nil), "member", "ram_role_arn")
	})
}

// hangingHub returns no key until the caller gives up.
type hangingHub struct{ brokenHub }

func (hangingHub) Credentials(ctx context.Context) (apiclient.Credentials, error) {
	<-ctx.Done()
	return apiclient.Credentials{}, ctx.Err()
}

// brokenHub has no key.
type brokenHub struct{}

func (brokenHub) Credentials(context.Context) (apiclient.Credentials, error) {
	return apiclient.Credentials{}, errors.New("no key")
}

func (brokenHub) Reject(apiclient.Credentials) {}
