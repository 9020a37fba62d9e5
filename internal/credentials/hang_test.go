package credentials_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	library "github.com/aliyun/credentials-go/credentials"

	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

func TestSourceThatHangs(t *testing.T) {
	t.Run("gives a fetch up after 70 s, and uses what the next one gets", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var fetches atomic.Int64
			source := credentials.NewChain(func() (library.Credential, error) {
				if fetches.Add(1) == 1 {
					<-release
				}
				return permanentKey("good")
			})
			began := time.Now()
			_, err := source.Credentials(context.Background())
			if err == nil || !contains(err.Error(), "reading the key hangs for 1m10s") || time.Since(began) != 70*time.Second {
				t.Errorf("error = %v after %s", err, time.Since(began))
			}
			wantKey(t, source, "good")
			close(release) // The result of the first fetch comes too late.
			synctest.Wait()
			wantKey(t, source, "good")
		})
	})

	t.Run("does not pile up fetches that hang", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var hanging atomic.Int64
			source := credentials.NewChain(func() (library.Credential, error) {
				hanging.Add(1)
				<-release
				return permanentKey("good")
			})
			for range 10 {
				_, err := source.Credentials(context.Background())
				if err == nil || !contains(err.Error(), "hangs") {
					t.Errorf("error = %v", err)
				}
			}
			if n := hanging.Load(); n != 3 {
				t.Errorf("%d fetches hang, want 3", n)
			}
			close(release)
			synctest.Wait()
			wantKey(t, source, "good")
		})
	})

	// Opening a pipe without a writer blocks.
	t.Run("recovers once a file takes the place of a pipe", func(t *testing.T) {
		home := noKeys(t)
		for path, write := range map[string]func(){
			filepath.Join(home, ".aliyun", "config.json"): func() { writeProfile(t, home, "profile") },
			filepath.Join(home, ".alibabacloud", "credentials"): func() {
				const section = "[default]\ntype = access_key\naccess_key_id = section\naccess_key_secret = s\n"
				if err := os.WriteFile(filepath.Join(home, ".alibabacloud", "credentials"), []byte(section), 0o600); err != nil {
					t.Fatal(err)
				}
			},
		} {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			source := newSource(credentials.Config{})
			for range 2 {
				if _, err := source.Credentials(t.Context()); err == nil || !contains(err.Error(), path+" is not a regular file") {
					t.Errorf("error = %v, want one about %s", err, path)
				}
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write()
			if _, err := source.Credentials(t.Context()); err != nil {
				t.Errorf("with a good file: %v", err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSourceWithSTSOfRegion(t *testing.T) {
	for host, vpc := range map[string]string{"sts.cn-hangzhou.aliyuncs.com": "", "sts-vpc.cn-hangzhou.aliyuncs.com": "true"} {
		noKeys(t)
		t.Setenv("ALIBABA_CLOUD_STS_REGION", "cn-hangzhou")
		t.Setenv("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", vpc)
		sts := new(credentialstest.STS)
		sts.SetRole(credentialstest.Role{ARN: testRole, OIDCProviderARN: testProvider, OIDCToken: "token"})
		sts.Issue(sessionKey("regional"), time.Hour)
		network.Serve(t, credentialstest.Hosts{host: sts})
		wantSession(t, newSource(credentials.Config{
			Type: credentials.TypeOIDCRoleARN, RoleARN: testRole, OIDCProviderARN: testProvider, OIDCTokenFile: secretFile(t, "token"),
		}), "regional", "oidc_role_arn")
	}
}

// An instance whose metadata service has no hardened mode, or whose hardened mode fails.
func TestSourceWithNormalMetadata(t *testing.T) {
	const answer = `{"Code":"Success","AccessKeyId":"STS.n","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2999-01-01T00:00:00Z"}`
	for name, token := range map[string]string{"no token": "", "a token that is refused": "token", "a strange token": "a\r\nb"} {
		t.Run(name, func(t *testing.T) {
			noKeys(t)
			t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
			network.Serve(t, credentialstest.Hosts{
				credentialstest.MetadataHost: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == http.MethodPut && token != "":
						_, _ = w.Write([]byte(token))
					case r.Method == http.MethodPut, r.Header.Get("X-Aliyun-Ecs-Metadata-Token") != "":
						w.WriteHeader(http.StatusForbidden)
					default:
						_, _ = w.Write([]byte(answer))
					}
				}),
			})
			config := credentials.Config{Type: credentials.TypeECSRAMRole, RoleName: "exporter"}
			wantKey(t, newSource(config), "STS.n")
			if token != "" {
				t.Setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")
				if _, err := newSource(config).Credentials(t.Context()); err == nil {
					t.Error("the normal mode was used though it is turned off")
				}
			}
		})
	}
}
