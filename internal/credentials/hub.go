package credentials

import (
	"context"
	"errors"
	"fmt"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"

	"alicdn_export_exporter/apiclient"
)

// hubPatience is how long AssumeRole waits for the hub's key. It is less than the default timeout of an API call, so
// that the call's error can name the hub.
const hubPatience = connectTimeout + responseTimeout

// hub passes the key of another provider to the library, which assumes a role with it. The library calls
// GetCredentials whenever it renews the role's token.
type hub struct {
	provider apiclient.CredentialsProvider
	key      apiclient.Credentials // the last one that was passed on
}

// hubError means that the hub has no key.
type hubError struct{ err error }

// Error returns the text of the cause.
func (e *hubError) Error() string { return e.err.Error() }

// Unwrap returns the cause: why the hub has no key.
func (e *hubError) Unwrap() error { return e.err }

// fetch returns the hub's current key, or a *hubError.
func (h *hub) fetch() (apiclient.Credentials, error) {
	// The role's token is fetched for all callers, so no caller's context bounds the fetch.
	ctx, cancel := context.WithTimeout(context.Background(), hubPatience)
	defer cancel()
	key, err := h.provider.Credentials(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the default chain did not return one within %s", hubPatience)
	}
	if err != nil {
		return apiclient.Credentials{}, &hubError{err}
	}
	return key, nil
}

// GetCredentials implements the library's CredentialsProvider.
func (h *hub) GetCredentials() (*providers.Credentials, error) {
	key, err := h.fetch()
	if err != nil {
		return nil, err
	}
	h.key = key
	return &providers.Credentials{
		AccessKeyId:     key.AccessKeyID,
		AccessKeySecret: string(key.AccessKeySecret),
		SecurityToken:   string(key.SecurityToken),
		ProviderName:    key.Provider,
	}, nil
}

// GetProviderName implements the library's CredentialsProvider.
func (h *hub) GetProviderName() string { return h.key.Provider }

// assumeRole gets the role's key. If STS rejects the hub's key, which may have expired, and the hub has a newer one, it
// tries once more.
func (h *hub) assumeRole(role credentials.Credential) (*credentials.CredentialModel, error) {
	model, err := role.GetCredential()
	if kind, _ := apiclient.KindOf(stsCode(err)); kind.Class != apiclient.ClassCredentials {
		return model, err
	}
	rejected := h.key
	h.provider.Reject(rejected)
	if key, hubErr := h.fetch(); hubErr != nil {
		return nil, hubErr
	} else if key == rejected {
		return nil, err
	}
	return role.GetCredential()
}

// newHubProvider returns the provider of a role's key. h supplies the key that assumes the role.
func (c *Config) newHubProvider(h *hub, in inputs) (credentials.Credential, error) {
	assumed := role{
		arn: in.roleARN, sessionName: in.roleSessionName, externalID: c.ExternalID, stsEndpoint: c.STSEndpoint,
	}
	return credentials.FromCredentialsProvider(c.Type, newRoleProvider(h, assumed)), nil
}
