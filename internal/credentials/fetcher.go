package credentials

import (
	"fmt"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials"

	"alicdn_export_exporter/apiclient"
)

// fetcher fetches keys, one at a time. It uses the same provider as long as the inputs do not change.
type fetcher struct {
	config      Config
	newProvider func(inputs) (credentials.Credential, error)
	hub         *hub // supplies the key that assumes the role; nil if config has that key or needs none

	provider credentials.Credential // nil if the next fetch must make a new one
	inputs   inputs                 // of provider
	madeAt   time.Time              // when provider was made
}

// fetch gets a key from the provider and turns panics into errors. The provider renews its key only shortly before the
// key expires.
func (f *fetcher) fetch() (key apiclient.Credentials, err error) {
	current, err := f.config.readInputs()
	if err != nil {
		return apiclient.Credentials{}, f.config.wrap(err)
	}
	defer func() {
		if recover() != nil {
			key, err = apiclient.Credentials{}, f.noKeyError(nil)
		}
		if err != nil {
			f.provider = nil // A chain must search again.
		}
	}()
	if f.config.isDefault() && time.Since(f.madeAt) >= chainLifetime {
		f.provider = nil
	}
	if f.provider == nil || f.inputs != current {
		if f.provider, err = f.newProvider(current); err != nil {
			return apiclient.Credentials{}, f.noKeyError(err)
		}
		f.inputs, f.madeAt = current, time.Now()
	}
	model, err := f.getCredential()
	if err != nil {
		return apiclient.Credentials{}, f.noKeyError(err)
	}
	key = apiclient.Credentials{
		AccessKeyID:     trimmed(model.AccessKeyId),
		AccessKeySecret: apiclient.Secret(trimmed(model.AccessKeySecret)),
		SecurityToken:   apiclient.Secret(trimmed(model.SecurityToken)),
		Provider:        f.config.Type,
	}
	if f.config.isDefault() || f.hub != nil {
		key.Provider = deref(model.ProviderName) // It names the source within the chain.
	}
	if key.AccessKeyID == "" || key.AccessKeySecret == "" {
		return apiclient.Credentials{}, f.noKeyError(nil)
	}
	if hasOddCharacters(key.AccessKeyID + string(key.AccessKeySecret+key.SecurityToken)) {
		return apiclient.Credentials{}, f.config.newError(fmt.Sprintf("the key from %s %s", key.Provider, oddCharacters))
	}
	return key, nil
}

func (f *fetcher) getCredential() (*credentials.CredentialModel, error) {
	if f.hub != nil {
		return f.hub.assumeRole(f.provider)
	}
	return f.provider.GetCredential()
}

// trimmed returns a part of a key without the line end that variables and files often have.
func trimmed(s *string) string { return strings.TrimSpace(deref(s)) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
