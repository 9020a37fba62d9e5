package main

import (
	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
)

// newCredentials is where an account of the configuration gets its key.
func newCredentials(settings config.Credentials) *apiclient.KeySource {
	return apiclient.NewKeySource(apiclient.KeySettings{
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
	})
}
