package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator"
)

// apiHost is a name that only a proxy can resolve. Go sends no DNS query for .onion names (RFC 7686).
const apiHost = "cdn.example.onion"

// apiArgs returns the arguments for the API at apiHost.
func apiArgs(args ...string) []string {
	return append(args, "--api.endpoint="+apiHost, "--api.max-retries=0", "--log.level=debug")
}

// proxyEnv returns the environment variables for a proxy and the default key, followed by more variables.
func proxyEnv(proxy *credentialstest.Proxy, more ...string) []string {
	return append(append(proxy.Env(), keyEnv(defaultKey)...), more...)
}

// apiHosts returns a healthy API at apiHost.
func apiHosts(t *testing.T) credentialstest.Hosts {
	t.Helper()
	return credentialstest.Hosts{apiHost: newAPI(t, "healthy", defaultKey)}
}

// expectCheckFails runs check. It must exit with status 1, and its output must contain all wants.
func expectCheckFails(t *testing.T, env []string, wants ...string) (output string) {
	t.Helper()
	status, stdout, stderr := run(t, env, apiArgs("check")...)
	if status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	for _, want := range wants {
		if !strings.Contains(stdout+stderr, want) {
			t.Errorf("the output lacks %q:\n%s%s", want, stdout, stderr)
		}
	}
	return stdout + stderr
}

func TestProxy(t *testing.T) {
	t.Parallel()
	t.Run("only tunnels the encrypted requests", func(t *testing.T) {
		t.Parallel()
		proxy := newProxy(t, apiHosts(t))
		status, stdout, stderr := run(t, proxyEnv(proxy), apiArgs("check")...)
		if status != 0 || !strings.Contains(stdout, usageOK) {
			t.Errorf("exit status %d:\n%s%s", status, stdout, stderr)
		}
		if requests := proxy.Requests(); len(requests) == 0 || requests[0] != "CONNECT "+apiHost+":443" {
			t.Errorf("requests: %q", requests)
		}
		sent := proxy.Sent()
		for _, secret := range []string{simulator.DefaultAccessKeyID, "DescribeUserUsage", "HMAC"} {
			if sent == "" || strings.Contains(sent, secret) {
				t.Errorf("the proxy can read %q, or nothing was sent (%d bytes)", secret, len(sent))
			}
		}
	})
	t.Run("is not used for the hosts of NO_PROXY", func(t *testing.T) {
		t.Parallel()
		proxy := newProxy(t, apiHosts(t))
		for _, exception := range []string{apiHost, ".example.onion", "*"} {
			// Without the proxy, the program resolves the name itself and fails.
			expectCheckFails(t, proxyEnv(proxy, "NO_PROXY="+exception), "dial tcp: ", apiHost+": no suitable address")
		}
		if requests := proxy.Requests(); len(requests) > 0 {
			t.Errorf("requests: %q", requests)
		}
	})
	t.Run("is used for hosts that NO_PROXY does not name", func(t *testing.T) {
		t.Parallel()
		env := proxyEnv(newProxy(t, apiHosts(t)), "NO_PROXY=100.100.100.200,another.test")
		if status, stdout, stderr := run(t, env, apiArgs("check")...); status != 0 {
			t.Errorf("exit status %d:\n%s%s", status, stdout, stderr)
		}
	})
	for status, want := range map[int][2]string{
		http.StatusForbidden:  {"proxy: the proxy answered 403 Forbidden.", "Let the proxy connect to the endpoint"},
		http.StatusBadGateway: {"proxy: the proxy answered 502 Bad Gateway.", "Let the proxy connect to the endpoint"},
		http.StatusProxyAuthRequired: {
			"proxy: the proxy answered 407: it requires a user and a password (HTTPS_PROXY).",
			"HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
		},
	} {
		t.Run(fmt.Sprint("is named with its status ", status), func(t *testing.T) {
			t.Parallel()
			proxy := newProxy(t, nil)
			proxy.RefuseAll(status)
			expectCheckFails(t, proxyEnv(proxy), want[0], want[1])
			p, address := serve(t, proxyEnv(proxy), apiArgs("serve")...)
			page := scrape(t, address)
			expectSamples(t, page, map[string]string{
				`api_errors_total{account="default",class="network",code="proxy",export="usage"}`: "1",
			})
			p.Stop()
			if log := p.Stderr.String(); !strings.Contains(log, "class=network") || !strings.Contains(log, want[1]) {
				t.Errorf("the log does not name the cause and what to do:\n%s", log)
			}
		})
	}
	t.Run("is unreachable", func(t *testing.T) {
		t.Parallel()
		expectCheckFails(t, append(keyEnv(defaultKey), "HTTPS_PROXY=http://127.0.0.1:1"), "connection: the proxy cannot be reached: ", proxyAdvice)
	})
	t.Run("has an invalid URL", func(t *testing.T) {
		t.Parallel()
		expectCheckFails(t, append(keyEnv(defaultKey), "HTTPS_PROXY=http://["), "cannot be read")
	})
}

// The program sends the password in the proxy's URL to the proxy, and never shows it.
func TestProxyPassword(t *testing.T) {
	t.Parallel()
	const user, right, wrong = "somebody", "open-sesame", "let-me-in"
	proxy := newProxy(t, apiHosts(t))
	proxy.RequirePassword(user, right)
	env := func(password string) []string {
		return proxyEnv(proxy, "HTTPS_PROXY="+strings.Replace(proxy.URL(), "http://", "http://"+user+":"+password+"@", 1))
	}
	secrets := func(password string) []string {
		return []string{password, user, base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}
	}

	t.Run("is sent to the proxy", func(t *testing.T) {
		if status, stdout, stderr := run(t, env(right), apiArgs("check")...); status != 0 {
			t.Errorf("exit status %d:\n%s%s", status, stdout, stderr)
		}
	})
	t.Run("makes check fail if it is wrong", func(t *testing.T) {
		expectHidden(t, expectCheckFails(t, env(wrong), "proxy"), secrets(wrong)...)
	})
	for password, want := range map[string]struct{ up, call string }{
		right: {"1", `msg="` + callEnded + `"`},
		wrong: {"0", `msg="` + callFailed + `"`},
	} {
		t.Run("is on no page and in no log line: "+password, func(t *testing.T) {
			p, address := serve(t, env(password), apiArgs("serve", "--cache.ttl=0s")...)
			page := scrape(t, address)
			shown := page
			for _, path := range []string{"/", "/-/healthy", "/-/ready", "/nothing", "/metrics"} {
				shown += shownBy(t, http.MethodGet, address+path, "*/*")
			}
			p.Stop()
			shown += p.Stderr.String()
			if up(page, "default") != want.up || !strings.Contains(shown, want.call) || !strings.Contains(shown, newestTasks) {
				t.Errorf("up is %q, want %s, a line %s and the status page:\n%s", up(page, "default"), want.up, want.call, shown)
			}
			expectHidden(t, shown, secrets(password)...)
		})
	}
}
