package apiclient

import (
	"os"
	"path/filepath"
)

// KeySourceConfigured reports whether the environment or a file says where the
// default chain finds a key. Where nothing does, only the ECS metadata service
// is left, and that does not come and go: a chain that finds nothing then
// finds nothing later either.
func KeySourceConfigured() bool {
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_OIDC_TOKEN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
		"ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CREDENTIALS_FILE",
		"ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_CREDENTIALS_URI",
	} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	for _, file := range []string{".aliyun/config.json", ".alibabacloud/credentials"} {
		if _, err := os.Stat(filepath.Join(home, file)); err == nil {
			return true
		}
	}
	return false
}
