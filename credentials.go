package main

import (
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
)

// newCredentials is where an account of the configuration gets its key. It says when
// the key cannot be renewed: nothing else does while the last one is good.
func newCredentials(settings config.Credentials, logger log.Logger) *apiclient.KeySource {
	translated := keySettings(settings)
	translated.Renewed = func(err error) {
		if err != nil {
			_ = level.Warn(logger).Log("msg", "The key cannot be renewed, the last one is used until the API refuses it", "err", err)
			return
		}
		_ = level.Info(logger).Log("msg", "The key can be renewed again")
	}
	return apiclient.NewKeySource(translated)
}

func keySettings(settings config.Credentials) apiclient.KeySettings {
	return apiclient.KeySettings{
		Type:            settings.Type,
		AccessKeyID:     apiclient.Secret{File: settings.AccessKeyIDFile, Env: settings.AccessKeyIDEnv},
		AccessKeySecret: apiclient.Secret{File: settings.AccessKeySecretFile, Env: settings.AccessKeySecretEnv},
		SecurityToken:   apiclient.Secret{File: settings.SecurityTokenFile, Env: settings.SecurityTokenEnv},
		RoleARN:         settings.RoleARN,
		RoleSessionName: settings.RoleSessionName,
		ExternalID:      settings.ExternalID,
		OIDCProviderARN: settings.OIDCProviderARN,
		OIDCTokenFile:   settings.OIDCTokenFile,
		STSEndpoint:     settings.STSEndpoint,
		RoleName:        settings.RoleName,
		URI:             settings.URI,
	}
}
