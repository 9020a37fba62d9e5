package simulator

import (
	"cmp"
	"strings"
)

// The credentials that a server accepts by default. They may only list tasks.
const (
	DefaultAccessKeyID     = "LTAI5tSimulatedAccessKey"
	DefaultAccessKeySecret = "SimulatedAccessKeySecret000001"
	DefaultSecurityToken   = "SimulatedSecurityToken000001"
)

// The key of a person, which every server also accepts. It may list, create and delete
// tasks.
const (
	PersonAccessKeyID     = "LTAI5tSimulatedPersonKey"
	PersonAccessKeySecret = "SimulatedPersonKeySecret000001"
)

// credentials are a key that a server accepts.
type credentials struct {
	id, secret, token string
	tokenRequired     bool
	mayEdit           bool // create and delete tasks
}

var personKey = credentials{id: PersonAccessKeyID, secret: PersonAccessKeySecret, mayEdit: true}

// SetCredentials replaces the credentials that the server accepts besides the person's. The
// server no longer knows the previous ones. An empty argument means the default.
//
// Every request must send the security token if securityToken is given, or if the
// access key id begins with "STS.", as those of temporary keys do. Otherwise the
// token is optional.
func (s *Server) SetCredentials(accessKeyID, accessKeySecret, securityToken string) {
	accepted := credentials{
		id:     cmp.Or(accessKeyID, DefaultAccessKeyID),
		secret: cmp.Or(accessKeySecret, DefaultAccessKeySecret),
		token:  cmp.Or(securityToken, DefaultSecurityToken),
	}
	accepted.tokenRequired = securityToken != "" || strings.HasPrefix(accepted.id, "STS.")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credentials = accepted
}
