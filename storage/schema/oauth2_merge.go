package schema

import (
	"encoding/json"
	"maps"
	"slices"
)

// UnmarshalJSON lays a JSON object over the options. Providers are merged by their name: what an element leaves out, its
// secret above all, is kept from the stored provider of that name and never from another one, whatever the order of the list.
// An element without a name is the stored one at its position. The list takes the length and order that were sent.
func (o *OAuth2) UnmarshalJSON(data []byte) error {
	in := struct {
		Providers    json.RawMessage     `json:"providers"`
		MappedFields *OAuth2MappedFields `json:"mappedFields"`
		Enabled      *bool               `json:"enabled"`
	}{MappedFields: &o.MappedFields, Enabled: &o.Enabled}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Providers == nil {
		return nil
	}
	var sent []json.RawMessage
	if err := json.Unmarshal(in.Providers, &sent); err != nil {
		return err
	}
	if sent == nil {
		o.Providers = nil
		return nil
	}
	list := make([]OAuth2Provider, len(sent))
	for i, raw := range sent {
		p, err := o.merged(i, raw)
		if err != nil {
			return err
		}
		list[i] = p
	}
	o.Providers = list
	return nil
}

// merged is the element at a position of a list that was sent, laid over the stored provider that it means.
func (o *OAuth2) merged(i int, raw json.RawMessage) (p OAuth2Provider, err error) {
	var named struct {
		Name *string `json:"name"`
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return p, err
	}
	at := i
	if named.Name != nil {
		at = slices.IndexFunc(o.Providers, func(stored OAuth2Provider) bool { return stored.Name == *named.Name })
	}
	if at >= 0 && at < len(o.Providers) {
		p = o.Providers[at]
		p.PKCE, p.Extra = clonePointer(p.PKCE), maps.Clone(p.Extra)
	}
	return p, json.Unmarshal(raw, &p)
}
