package keyservice

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"alicdn_export_exporter/internal/signature"
)

// Trust is who may have the role.
type Trust struct {
	// Base is the key that may assume the role. Its token is empty where it has none.
	Base       Key
	RoleARN    string
	ExternalID string
	// ProviderARN and OIDCToken may assume the role, too.
	ProviderARN, OIDCToken string
}

// STS is the Security Token Service: AssumeRole, whose signature it verifies, and
// AssumeRoleWithOIDC.
type STS struct {
	Issuer

	mu      sync.Mutex
	trust   Trust
	session string
	nonces  map[string]bool
}

// Trust changes who may have the role.
func (s *STS) Trust(trust Trust) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trust = trust
}

// SessionName is the RoleSessionName of the last request that was granted.
func (s *STS) SessionName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

// refusal is an error in the shape of Alibaba Cloud's RPC gateway.
type refusal struct {
	status        int
	code, message string
}

// ServeHTTP answers one call.
func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.failed(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if refused := s.check(r); refused != nil {
		w.WriteHeader(refused.status)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"RequestId": "964E0EC5-575B-4FF5-8FD0-D4BD8025602A", "HostId": r.Host, "Code": refused.code, "Message": refused.message,
		})
		return
	}
	s.mu.Lock()
	s.session = r.Form.Get("RoleSessionName")
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{
		"RequestId":       "6894B13B-6D71-4EF5-88FA-F32781734A7F",
		"AssumedRoleUser": map[string]string{"Arn": r.Form.Get("RoleArn") + "/" + r.Form.Get("RoleSessionName"), "AssumedRoleId": "1"},
		"Credentials":     s.Issuer.session(),
	})
}

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
		if form.Get("ExternalId") != s.trust.ExternalID {
			return &refusal{http.StatusForbidden, "NoPermission", "You are not authorized to do this action."}
		}
	case "AssumeRoleWithOIDC":
		if form.Get("OIDCProviderArn") != s.trust.ProviderARN {
			return &refusal{http.StatusUnauthorized, "AuthenticationFail.NoPermission", "No such OIDC Provider registered."}
		}
		if s.trust.OIDCToken == "" || form.Get("OIDCToken") != s.trust.OIDCToken {
			return &refusal{http.StatusUnauthorized, "AuthenticationFail.OIDCToken.Invalid", "The token " + form.Get("OIDCToken") + " is invalid."}
		}
	default:
		return &refusal{http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found."}
	}
	if form.Get("RoleArn") != s.trust.RoleARN {
		return &refusal{http.StatusNotFound, "EntityNotExist.Role", "The role not exists: " + form.Get("RoleArn")}
	}
	return nil
}

func (s *STS) checkSignature(r *http.Request) *refusal {
	form := r.Form
	date, err := time.Parse(expiration, form.Get("Timestamp"))
	switch {
	case form.Get("AccessKeyId") != s.trust.Base.ID:
		return &refusal{http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
	case form.Get("SecurityToken") != s.trust.Base.Token:
		return &refusal{http.StatusForbidden, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey."}
	case err != nil || time.Since(date).Abs() > 15*time.Minute:
		return &refusal{http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}
	case form.Get("SignatureNonce") == "" || s.nonces[form.Get("SignatureNonce")]:
		return &refusal{http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already."}
	}
	if s.nonces == nil {
		s.nonces = make(map[string]bool)
	}
	s.nonces[form.Get("SignatureNonce")] = true
	want := signature.HMACSHA1(s.trust.Base.Secret, r.Method, form)
	if !hmac.Equal([]byte(form.Get("Signature")), []byte(want)) {
		return &refusal{http.StatusBadRequest, "SignatureDoesNotMatch", fmt.Sprintf(
			"Specified signature is not matched with our calculation. server string to sign is:%s", signature.CanonicalQuery(form))}
	}
	return nil
}
