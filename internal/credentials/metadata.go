package credentials

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// metadataTimeout is the time limit for connecting to the metadata service, and again for its response. The
// service is near.
const metadataTimeout = time.Second

// metadataService is the address of the metadata service of an ECS instance.
const metadataService = "http://100.100.100.200"

// newMetadataProvider returns the provider of the keys of an ECS instance's role. If roleName is empty, the provider
// gets the name from the metadata service.
func newMetadataProvider(roleName string) providers.CredentialsProvider {
	return &renewing{name: TypeECSRAMRole, fetch: func() (*temporaryKey, string, error) {
		if isMetadataDisabled() {
			return nil, "", errIncomplete
		}
		const roles = "/latest/meta-data/ram/security-credentials/"
		token := metadataToken()
		name := cmp.Or(roleName, os.Getenv("ALIBABA_CLOUD_ECS_METADATA"))
		if name == "" {
			body, err := getMetadata(roles, token)
			if err != nil {
				return nil, "", err
			}
			name = strings.TrimSpace(string(body))
		}
		body, err := getMetadata(roles+url.PathEscape(name), token)
		if err != nil {
			return nil, "", err
		}
		var status struct{ Code string }
		if err := json.Unmarshal(body, &status); err != nil || status.Code != "Success" {
			return nil, "", errIncomplete
		}
		key, err := decodeKey(body)
		return key, "", err
	}}
}

func isMetadataDisabled() bool {
	return strings.EqualFold(os.Getenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "true")
}

// metadataToken returns the token that the service's hardened mode requires, or "" if there is none.
func metadataToken() string {
	body, err := requestMetadata(http.MethodPut, "/latest/api/token", "X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(body))
}

// getMetadata reads a path with the token. If that fails, it reads the path without the token, unless the
// normal mode is turned off.
func getMetadata(path, token string) ([]byte, error) {
	body, err := requestMetadata(http.MethodGet, path, "X-Aliyun-Ecs-Metadata-Token", token)
	if err == nil || token == "" || strings.EqualFold(os.Getenv("ALIBABA_CLOUD_IMDSV1_DISABLED"), "true") {
		return body, err
	}
	if body, normal := requestMetadata(http.MethodGet, path, "", ""); normal == nil {
		return body, nil
	}
	return nil, err
}

func requestMetadata(method, path, header, value string) ([]byte, error) {
	address := metadataService + path
	//nolint:gosec // The path is constant but for a name, which is escaped.
	req, err := http.NewRequestWithContext(context.Background(), method, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	if value != "" {
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, errIncomplete
		}
		req.Header.Set(header, value)
	}
	return exchange(req, metadataTimeout, metadataTimeout)
}
