package oauth2

import (
	"context"
	"errors"
)

// The extra settings of a provider that speaks OpenID Connect.
const (
	extraIssuers = "issuers"
	extraKeys    = "jwksURL"
)

var errExtra = errors.New("an extra setting of the provider has an unexpected type")

// openIDClaims asks the address for user info or, where there is none, takes the claims of the id_token.
func openIDClaims(ctx context.Context, v *visit) (*object, error) {
	if v.p.userURL() != "" {
		return userInfo(ctx, v)
	}
	rules, err := v.p.idRules()
	if err != nil {
		return nil, err
	}
	claims, err := v.c.claims(ctx, v.extra("id_token"), rules)
	if err != nil {
		return nil, err
	}
	return &object{root: claims}, nil
}

// idRules reads what the collection asks of an id_token. A setting that cannot be read must not pass for one that asks
// nothing.
func (p *Provider) idRules() (idRules, error) {
	rules := idRules{audience: p.set.ClientID}
	switch keys := p.set.Extra[extraKeys].(type) {
	case nil:
	case string:
		rules.keys = keys
	default:
		return rules, errExtra
	}
	switch list := p.set.Extra[extraIssuers].(type) {
	case nil:
	case []any:
		for _, v := range list {
			issuer, ok := v.(string)
			if !ok {
				return rules, errExtra
			}
			rules.issuers = append(rules.issuers, issuer)
		}
	default:
		return rules, errExtra
	}
	return rules, nil
}
