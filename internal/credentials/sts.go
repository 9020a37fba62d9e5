package credentials

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/signature"
)

// role is a RAM role to assume.
type role struct {
	arn, sessionName, externalID string
	// stsEndpoint is a host name; empty for the default.
	stsEndpoint string
}

// newRoleProvider returns the provider of a role's keys. caller's key assumes the role.
func newRoleProvider(caller providers.CredentialsProvider, r role) providers.CredentialsProvider {
	return &renewing{name: TypeRAMRoleARN, fetch: func() (*temporaryKey, string, error) {
		key, err := caller.GetCredentials()
		if err != nil {
			return nil, "", err
		}
		params := r.params("AssumeRole")
		params.Set("SignatureMethod", "HMAC-SHA1")
		params.Set("SignatureVersion", "1.0")
		params.Set("SignatureNonce", rand.Text())
		params.Set("AccessKeyId", key.AccessKeyId)
		setUnlessEmpty(params, "SecurityToken", key.SecurityToken)
		setUnlessEmpty(params, "ExternalId", r.externalID)
		params.Set("Signature", signature.HMACSHA1(key.AccessKeySecret, http.MethodPost, params))
		assumed, err := r.request(params)
		return assumed, "/" + key.ProviderName, err
	}}
}

// newOIDCProvider returns the provider of a role's keys. The token of an identity provider assumes the role.
func newOIDCProvider(r role, providerARN string, token func() (apiclient.Secret, error)) providers.CredentialsProvider {
	return &renewing{name: TypeOIDCRoleARN, fetch: func() (*temporaryKey, string, error) {
		text, err := token()
		if err != nil {
			return nil, "", err
		}
		params := r.params("AssumeRoleWithOIDC")
		params.Set("OIDCProviderArn", providerARN)
		params.Set("OIDCToken", string(text))
		key, err := r.request(params)
		return key, "", err
	}}
}

func (r role) params(action string) url.Values {
	return url.Values{
		"Version": {"2015-04-01"}, "Action": {action}, "Format": {"JSON"},
		"Timestamp": {time.Now().UTC().Format("2006-01-02T15:04:05Z")},
		"RoleArn":   {r.arn}, "RoleSessionName": {r.sessionName}, "DurationSeconds": {"3600"},
	}
}

// request calls STS. All parameters are in the body, because proxies may log URLs.
func (r role) request(params url.Values) (*temporaryKey, error) {
	address := url.URL{Scheme: "https", Host: cmp.Or(r.stsEndpoint, defaultSTSEndpoint()), Path: "/"}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address.String(), strings.NewReader(params.Encode()))
	if err != nil {
		return nil, responseError("sts_endpoint is not usable")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := exchange(req, connectTimeout, responseTimeout)
	if err != nil {
		return nil, err
	}
	var response struct{ Credentials *temporaryKey }
	if err := json.Unmarshal(body, &response); err != nil {
		return nil, errIncomplete // The cause may quote the body.
	}
	return response.Credentials, response.Credentials.check()
}

// defaultSTSEndpoint returns the endpoint of the region in ALIBABA_CLOUD_STS_REGION or, without one, the central one.
// Alibaba Cloud's own tools use the same variables.
func defaultSTSEndpoint() string {
	region := os.Getenv("ALIBABA_CLOUD_STS_REGION")
	if region == "" {
		return "sts.aliyuncs.com"
	}
	prefix := "sts"
	if strings.EqualFold(os.Getenv("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"), "true") {
		prefix = "sts-vpc"
	}
	return fmt.Sprintf("%s.%s.aliyuncs.com", prefix, region)
}

func setUnlessEmpty(params url.Values, name, value string) {
	if value != "" {
		params.Set(name, value)
	}
}
