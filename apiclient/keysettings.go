package apiclient

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/aliyun/credentials-go/credentials"
)

// The ways to get a key, named as Alibaba Cloud's own tools name them.
const (
	// KeyDefault is a chain: environment variables, OIDC (RRSA), the CLI
	// profile, the credentials file, the ECS metadata service, a credentials URI.
	KeyDefault = "default"
	// KeyAccessKey is a key that does not expire.
	KeyAccessKey = "access_key"
	// KeySTS is a temporary key that somebody else renews.
	KeySTS = "sts"
	// KeyRAMRoleARN is a role that another key may assume.
	KeyRAMRoleARN = "ram_role_arn"
	// KeyOIDCRoleARN is a role for a token of an identity provider: RRSA on Kubernetes.
	KeyOIDCRoleARN = "oidc_role_arn"
	// KeyECSRAMRole is the role of the ECS instance, from its metadata service.
	KeyECSRAMRole = "ecs_ram_role"
	// KeyCredentialsURI is an HTTP service that gives out keys.
	KeyCredentialsURI = "credentials_uri"
)

// How long STS and a credentials URI get for a connection and for their answer, in
// milliseconds: both together less than an API call, which waits for the key, has by
// default. The metadata service has a second for each.
const (
	connectTimeout = 3000
	answerTimeout  = 5000
)

// sessionName is what ActionTrail shows of a role that was assumed.
const sessionName = "alicdn_export_exporter"

// KeySettings say how an account gets its key. What a type does not use is empty.
type KeySettings struct {
	// Type is one of the ways above; empty is KeyDefault.
	Type string
	// The key, and for KeyRAMRoleARN the one that assumes the role.
	AccessKeyID, AccessKeySecret, SecurityToken Secret
	// RoleARN, OIDCProviderARN and OIDCTokenFile are for KeyOIDCRoleARN those of
	// the RRSA environment variables where they are empty.
	RoleARN, OIDCProviderARN, OIDCTokenFile string
	// RoleSessionName is that of ALIBABA_CLOUD_ROLE_SESSION_NAME, or the
	// program's name, where it is empty.
	RoleSessionName string
	ExternalID      string
	// STSEndpoint is a host name; empty for the library's own choice.
	STSEndpoint string
	// RoleName is the ECS instance's role; empty to ask for it.
	RoleName string
	URI      string
	// Renewed, if it is set, is told how renewals go of a key that there is: the
	// error, which holds nothing secret, when one fails or fails in another way than
	// the last one, and nil when they succeed again. The key is used meanwhile.
	Renewed func(error)
}

// keyInputs are what a key is got with, as it was read just now.
type keyInputs struct {
	accessKeyID, accessKeySecret, securityToken string
	roleARN, oidcProviderARN, oidcToken         string
	roleSessionName                             string
}

// errTornRead is about files that change faster than they are read.
var errTornRead = errors.New("the files changed while they were read")

// read returns the inputs as they are now. Several files that change together are
// read until nothing changes any more, so that no half of an old key meets a half
// of a new one.
func (s KeySettings) read() (keyInputs, error) {
	before, err := s.readOnce()
	for range 10 {
		if err != nil {
			return keyInputs{}, err
		}
		var now keyInputs
		if now, err = s.readOnce(); err == nil && now == before {
			return now, nil
		}
		before = now
	}
	return keyInputs{}, cmp.Or(err, errTornRead)
}

func (s KeySettings) readOnce() (in keyInputs, err error) {
	secret := func(into *string, name string, from Secret) {
		if err == nil {
			*into, err = from.read(name)
		}
	}
	switch s.Type {
	case KeyRAMRoleARN:
		in.roleARN = s.RoleARN
		if s.SecurityToken != (Secret{}) {
			secret(&in.securityToken, "security_token", s.SecurityToken)
		}
	case KeySTS:
		secret(&in.securityToken, "security_token", s.SecurityToken)
	case KeyOIDCRoleARN:
		in.roleARN = cmp.Or(s.RoleARN, os.Getenv("ALIBABA_CLOUD_ROLE_ARN"))
		in.oidcProviderARN = cmp.Or(s.OIDCProviderARN, os.Getenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN"))
		token := Secret{File: cmp.Or(s.OIDCTokenFile, os.Getenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE"))}
		for _, needed := range []struct{ key, value, variable string }{
			{"role_arn", in.roleARN, "ALIBABA_CLOUD_ROLE_ARN"},
			{"oidc_provider_arn", in.oidcProviderARN, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
			{"oidc_token_file", token.File, "ALIBABA_CLOUD_OIDC_TOKEN_FILE"},
		} {
			if needed.value == "" {
				return in, fmt.Errorf("%s is not set, nor is the variable %s", needed.key, needed.variable)
			}
		}
		secret(&in.oidcToken, "oidc_token", token)
	}
	switch s.Type {
	case KeyAccessKey, KeySTS, KeyRAMRoleARN:
		secret(&in.accessKeyID, "access_key_id", s.AccessKeyID)
		secret(&in.accessKeySecret, "access_key_secret", s.AccessKeySecret)
	}
	in.roleSessionName = cmp.Or(s.RoleSessionName, os.Getenv("ALIBABA_CLOUD_ROLE_SESSION_NAME"), sessionName)
	return in, err
}

// build returns the library's way to the key. The library takes from the
// environment what it is not given, so all that matters is given.
func (s KeySettings) build(in keyInputs) (credentials.Credential, error) {
	if s.isDefault() {
		return credentials.NewCredential(nil)
	}
	config := new(credentials.Config).SetType(s.Type).
		SetAccessKeyId(in.accessKeyID).SetAccessKeySecret(in.accessKeySecret).SetSecurityToken(in.securityToken).
		SetRoleArn(in.roleARN).SetRoleSessionName(in.roleSessionName).SetExternalId(s.ExternalID).
		SetOIDCProviderArn(in.oidcProviderARN).SetOIDCToken(in.oidcToken).
		SetSTSEndpoint(s.STSEndpoint).SetRoleName(s.RoleName).
		SetConnectTimeout(connectTimeout).SetTimeout(answerTimeout)
	config.Url = &s.URI
	return credentials.NewCredential(config)
}

func (s KeySettings) isDefault() bool { return s.Type == "" || s.Type == KeyDefault }
