package credentialstest

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"alicdn_export_exporter/internal/signature"
)

// Role is a RAM role with the credentials that may assume it.
type Role struct {
	ARN string
	// AssumeRole requires this key and external id.
	Key        Key
	ExternalID string
	// Expired is a key whose token has expired.
	Expired Key
	// AssumeRoleWithOIDC requires this provider and token. If the token is empty, all tokens are refused.
	OIDCProviderARN, OIDCToken string
}

// STS is the Security Token Service. It serves AssumeRole and AssumeRoleWithOIDC, and verifies the signatures of
// AssumeRole.
type STS struct {
	Service

	mu          sync.Mutex
	role        Role
	sessionName string
	nonces      map[string]bool
}

// SetRole sets the only role that callers can assume.
func (s *STS) SetRole(role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role = role
}

// SessionName returns the RoleSessionName of the last successful request.
func (s *STS) SessionName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessionName
}

// refusal is an error response in the format of Alibaba Cloud's RPC gateway.
type refusal struct {
	status        int
	code, message string
}

// ServeHTTP answers one API call.
func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.countAndFail(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if refused := s.check(r); refused != nil {
		w.WriteHeader(refused.status)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"RequestId": "964E0EC5-575B-4FF5-8FD0-D4BD8025602A", "HostId": r.Host,
			"Code": refused.code, "Message": refused.message,
		})
		return
	}
	sessionName := r.Form.Get("RoleSessionName")
	s.mu.Lock()
	s.sessionName = sessionName
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{
		"RequestId":       "6894B13B-6D71-4EF5-88FA-F32781734A7F",
		"AssumedRoleUser": map[string]string{"Arn": r.Form.Get("RoleArn") + "/" + sessionName, "AssumedRoleId": "1"},
		"Credentials":     s.session(""),
	})
}

// check returns why the caller may not assume the role, or nil if it may.
func (s *STS) check(r *http.Request) *refusal {
	if r.Method != http.MethodPost || r.URL.Path != "/" && r.URL.Path != "" {
		return &refusal{http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found."}
	}
	if err := r.ParseForm(); err != nil || r.Form.Get("Version") != "2015-04-01" {
		return &refusal{http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	form := r.Form
	for _, name := range []string{"RoleArn", "RoleSessionName"} {
		if form.Get(name) == "" {
			return &refusal{http.StatusBadRequest, "Missing" + name, name + " is mandatory for this action."}
		}
	}
	switch form.Get("Action") {
	case "AssumeRole":
		if refused := s.checkSignature(r); refused != nil {
			return refused
		}
		if form.Get("ExternalId") != s.role.ExternalID {
			return &refusal{http.StatusForbidden, "NoPermission", "You are not authorized to do this action."}
		}
	case "AssumeRoleWithOIDC":
		if form.Get("OIDCProviderArn") != s.role.OIDCProviderARN {
			return &refusal{http.StatusUnauthorized, "AuthenticationFail.NoPermission", "No such OIDC Provider registered."}
		}
		if s.role.OIDCToken == "" || form.Get("OIDCToken") != s.role.OIDCToken {
			return &refusal{
				http.StatusUnauthorized, "AuthenticationFail.OIDCToken.Invalid",
				"The token " + form.Get("OIDCToken") + " is invalid.",
			}
		}
	default:
		return &refusal{http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found."}
	}
	if form.Get("RoleArn") != s.role.ARN {
		return &refusal{http.StatusNotFound, "EntityNotExist.Role", "The role not exists: " + form.Get("RoleArn")}
	}
	return nil
}

func (s *STS) checkSignature(r *http.Request) *refusal {
	form := r.Form
	timestamp, err := time.Parse(timeFormat, form.Get("Timestamp"))
	nonce := form.Get("SignatureNonce")
	switch {
	case s.role.Expired.Token != "" && form.Get("SecurityToken") == s.role.Expired.Token:
		return &refusal{http.StatusForbidden, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."}
	case form.Get("AccessKeyId") != s.role.Key.ID:
		return &refusal{http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
	case form.Get("SecurityToken") != s.role.Key.Token:
		return &refusal{
			http.StatusForbidden, "InvalidSecurityToken.MismatchWithAccessKey",
			"Specified SecurityToken mismatch with the AccessKey.",
		}
	case err != nil || time.Since(timestamp).Abs() > 15*time.Minute:
		return &refusal{http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}
	case nonce == "" || s.nonces[nonce]:
		return &refusal{http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already."}
	}
	if s.nonces == nil {
		s.nonces = make(map[string]bool)
	}
	s.nonces[nonce] = true
	want := signature.HMACSHA1(s.role.Key.Secret, r.Method, form)
	if !hmac.Equal([]byte(form.Get("Signature")), []byte(want)) {
		return &refusal{http.StatusBadRequest, "SignatureDoesNotMatch", fmt.Sprintf(
			"Specified signature is not matched with our calculation. server string to sign is:%s",
			signature.CanonicalQuery(form))}
	}
	return nil
}
