package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

const (
	roleARN = "acs:ram::1234567890123456:role/exporter"
	stsHost = "sts.aliyuncs.com"
)

// keyService is a stand-in of a service that supplies the account's key.
type keyService struct {
	name    string
	prepare func(c *cell) *credentialstest.Service
}

func keyServices() []keyService {
	return []keyService{
		{"uri", func(c *cell) *credentialstest.Service {
			uri := new(credentialstest.URI)
			server := httptest.NewServer(uri)
			c.Cleanup(func() { server.CloseClientConnections(); server.Close() })
			c.closers = append(c.closers, server.CloseClientConnections)
			c.credentials = fmt.Sprintf("{type: credentials_uri, uri: %q}", server.URL+"/CanaryPath")
			return &uri.Service
		}},
		{"metadata", func(c *cell) *credentialstest.Service {
			metadata := &credentialstest.Metadata{RoleName: "instance"}
			c.proxied(credentialstest.Hosts{credentialstest.MetadataHost: metadata})
			c.env = append(c.env, "ALIBABA_CLOUD_ECS_METADATA_DISABLED=")
			c.credentials = "{type: ecs_ram_role}"
			return &metadata.Service
		}},
		{"sts", func(c *cell) *credentialstest.Service {
			base := credentialstest.Key{ID: "LTAIcanaryBase", Secret: "CanaryBaseSecret"}
			sts := new(credentialstest.STS)
			sts.SetRole(credentialstest.Role{ARN: roleARN, Key: base})
			c.proxied(credentialstest.Hosts{stsHost: sts})
			c.env = append(c.env, "BASE_ID="+base.ID, "BASE_SECRET="+base.Secret)
			c.credentials = fmt.Sprintf("{type: ram_role_arn, role_arn: %q, access_key_id_env: BASE_ID, access_key_secret_env: BASE_SECRET}", roleARN)
			return &sts.Service
		}},
	}
}

// proxied lets the program reach hosts by a proxy. It returns the way to the proxy.
func (c *cell) proxied(hosts credentialstest.Hosts) (*credentialstest.Proxy, *front) {
	c.Helper()
	proxy, err := credentialstest.NewProxy(c.TempDir())
	if err != nil {
		c.Fatal(err)
	}
	proxy.Serve(c, hosts)
	way := newFront(c, strings.TrimPrefix(proxy.URL(), "http://"))
	c.env = append(c.env, proxy.Env()...)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		c.env = append(c.env, name+"=http://"+way.address())
	}
	return proxy, way
}

// keyServiceFaults are services that supply keys, and what they may answer instead. The key that the program has is
// refused at the same time: otherwise it would be used on.
func keyServiceFaults() []fault {
	const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nCanarySwitched"
	key := func(id, secret, expiration string) answer {
		return withJSON(fmt.Sprintf(`{"Code":"Success","AccessKeyId":%q,"AccessKeySecret":%q,"SecurityToken":"CanaryToken","Expiration":%q}`,
			id, secret, expiration))
	}
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	answers := []struct {
		name   string
		answer answer
	}{
		{"101", raw(upgrade)},
		{"redirect_302", respond(http.StatusFound, "text/html", "Canary", "Location", "http://127.0.0.1:1/Canary")},
		{"redirect_307", respond(http.StatusTemporaryRedirect, "text/html", "Canary", "Location",
			"http://127.0.0.1:1/Canary")},
		{"body_of_400_mb", huge(false)},
		{"gzip_bomb", compressed(http.StatusOK)},
		{"silence", func(_ *world, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"error", respond(http.StatusForbidden, "application/json", `{"Code":"CanaryCode","Message":"CanaryMessage"}`)},
		{"html", respond(http.StatusOK, "text/html", "<html>CanaryHTML</html>")},
		{"half_a_key", withJSON(`{"Code":"Success","AccessKeyId":"LTAIcanary","AccessKeySecret":"CanarySecret"`)},
		{
			"short_content_length",
			raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"AccessKeySecret\":\"CanaryStray\"}"),
		},
		{"line_end_in_a_key", key("LTAIcanary", "Canary\nSecret", tomorrow)},
		{"odd_expiration", key("LTAIcanary", "CanarySecret", "soon")},
		{"expiration_of_year_1", key("LTAIcanary", "CanarySecret", "0001-01-01T00:00:00Z")},
	}
	var faults []fault
	for _, service := range keyServices() {
		for _, a := range answers {
			faults = append(faults, keyServiceFault(service, a.name, a.answer))
		}
	}
	return faults
}

func keyServiceFault(service keyService, name string, a answer) fault {
	return fault{
		kind: 37, name: service.name + "_" + name, want: refused, code: "credentials|InvalidAccessKeyId.NotFound",
		class: "credentials", ownKey: true,
		prepare: func(c *cell) {
			c.keyService = service.prepare(c)
			c.keyService.Issue(c.key, time.Hour)
		},
		begin: func(c *cell) func() {
			c.key = credentialstest.Key{
				ID: c.key.ID + "next", Secret: c.key.Secret + "Next",
				Token: c.key.Token + "Next",
			}
			c.world.setKey(c.key)
			c.keyService.Fail(func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				a(c.world, rw, r)
			})
			return func() { c.keyService.Issue(c.key, time.Hour) }
		},
		during: func(c *cell, last page) {
			if strings.Contains(last.text, `code="other",export="usage"} 1`) {
				c.Errorf("a call failed with another code:\n%s", aboutMain(last.text))
			}
		},
	}
}
