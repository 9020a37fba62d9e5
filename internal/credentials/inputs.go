package credentials

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"

	"alicdn_export_exporter/apiclient"
)

// defaultSessionName is the name of the session in ActionTrail.
const defaultSessionName = "alicdn_export_exporter"

// inputs are the current values of a Config's files and variables. The secrets are in exported fields, so that printing
// inputs hides them.
type inputs struct {
	AccessKeyID, AccessKeySecret, SecurityToken, OIDCToken apiclient.Secret

	roleARN, oidcProviderARN, roleSessionName string
}

// errFilesChanging means that files change faster than they can be read.
var errFilesChanging = errors.New("the files keep changing while they are read")

// readInputs reads until two reads agree. Files are read one after the other, so a single read may combine half of an
// old key with half of a new one.
func (c *Config) readInputs() (inputs, error) {
	previous, err := c.readOnce()
	for range 10 {
		if err != nil {
			return inputs{}, err
		}
		var current inputs
		if current, err = c.readOnce(); err == nil && current == previous {
			return current, nil
		}
		previous = current
	}
	return inputs{}, cmp.Or(err, errFilesChanging)
}

func (c *Config) readOnce() (in inputs, err error) {
	read := func(into *apiclient.Secret, from secret) {
		if err == nil {
			*into, err = from.read()
		}
	}
	switch c.Type {
	case TypeRAMRoleARN:
		in.roleARN = c.RoleARN
		if c.SecurityTokenFile != "" || c.SecurityTokenEnv != "" {
			read(&in.SecurityToken, secret{"security_token", c.SecurityTokenFile, c.SecurityTokenEnv})
		}
	case TypeSTS:
		read(&in.SecurityToken, secret{"security_token", c.SecurityTokenFile, c.SecurityTokenEnv})
	case TypeOIDCRoleARN:
		in.roleARN = cmp.Or(c.RoleARN, os.Getenv("ALIBABA_CLOUD_ROLE_ARN"))
		in.oidcProviderARN = cmp.Or(c.OIDCProviderARN, os.Getenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN"))
		tokenFile := cmp.Or(c.OIDCTokenFile, os.Getenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE"))
		for _, required := range []struct{ setting, value, variable string }{
			{"role_arn", in.roleARN, "ALIBABA_CLOUD_ROLE_ARN"},
			{"oidc_provider_arn", in.oidcProviderARN, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
			{"oidc_token_file", tokenFile, "ALIBABA_CLOUD_OIDC_TOKEN_FILE"},
		} {
			if required.value == "" {
				return in, fmt.Errorf("neither %s nor the variable %s is set", required.setting, required.variable)
			}
		}
		read(&in.OIDCToken, secret{setting: "oidc_token", file: tokenFile})
	}
	if c.hasKey() {
		read(&in.AccessKeyID, secret{"access_key_id", c.AccessKeyIDFile, c.AccessKeyIDEnv})
		read(&in.AccessKeySecret, secret{"access_key_secret", c.AccessKeySecretFile, c.AccessKeySecretEnv})
	}
	in.roleSessionName = cmp.Or(c.RoleSessionName, os.Getenv("ALIBABA_CLOUD_ROLE_SESSION_NAME"), defaultSessionName)
	return in, err
}

// newProvider returns the provider of the key.
func (c *Config) newProvider(in inputs) (credentials.Credential, error) {
	assumed := role{
		arn: in.roleARN, sessionName: in.roleSessionName, externalID: c.ExternalID, stsEndpoint: c.STSEndpoint,
	}
	var provider providers.CredentialsProvider
	switch c.Type {
	case TypeAccessKey, TypeSTS:
		provider = staticKey(in)
	case TypeRAMRoleARN:
		provider = newRoleProvider(staticKey(in), assumed)
	case TypeOIDCRoleARN:
		provider = newOIDCProvider(assumed, in.oidcProviderARN, func() (apiclient.Secret, error) { return in.OIDCToken, nil })
	case TypeECSRAMRole:
		provider = newMetadataProvider(c.RoleName)
	case TypeURI:
		provider = newURIProvider(c.URI)
	default:
		provider = newChain()
	}
	return credentials.FromCredentialsProvider(c.Type, provider), nil
}

// staticKey implements the library's CredentialsProvider for a key in files or variables.
type staticKey inputs

// GetCredentials returns the key.
func (k staticKey) GetCredentials() (*providers.Credentials, error) {
	return &providers.Credentials{
		AccessKeyId: string(k.AccessKeyID), AccessKeySecret: string(k.AccessKeySecret), SecurityToken: string(k.SecurityToken),
		ProviderName: k.GetProviderName(),
	}, nil
}

// GetProviderName returns the library's name for such a key.
func (k staticKey) GetProviderName() string { return "static" }

func (c *Config) isDefault() bool { return c.Type == "" || c.Type == TypeDefault }
