package apiclient_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"alicdn_export_exporter/apiclient"
)

func TestSecret(t *testing.T) {
	secret := apiclient.Secret("Canary")
	key := apiclient.Credentials{AccessKeyID: "CanaryId", AccessKeySecret: secret, SecurityToken: "CanaryToken"}
	inside := struct {
		Secret apiclient.Secret
		Keys   []apiclient.Credentials
		Static struct{ AccessKeySecret apiclient.Secret }
	}{Secret: secret, Keys: []apiclient.Credentials{key}}
	inside.Static.AccessKeySecret = secret
	for _, value := range []any{secret, &secret, []apiclient.Secret{secret}, map[string]apiclient.Secret{"a": secret}, key, &key, inside} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %[1]v"} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "Canary") || strings.Contains(strings.ToLower(text), "43616e617279") {
				t.Errorf("%s of a %T shows %s", verb, value, text)
			}
		}
	}
	if text := fmt.Sprintf("%v %v", secret, key); text != "<redacted> <redacted>" {
		t.Errorf("they print as %s", text)
	}
	encoded, err := json.Marshal(inside.Static)
	if err != nil || string(encoded) != `{"AccessKeySecret":"\u003credacted\u003e"}` {
		t.Errorf("as JSON: %s, %v", encoded, err)
	}
	if string(secret) != "Canary" {
		t.Errorf("the text is %s", string(secret))
	}
}
