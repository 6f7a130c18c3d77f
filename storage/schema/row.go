package schema

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// row is a row of the table _collections. Fields, Indexes and Options are JSON texts.
type row struct {
	ID      string
	System  bool
	Type    string
	Name    string
	Fields  string
	Indexes string

	ListRule   *string
	ViewRule   *string
	CreateRule *string
	UpdateRule *string
	DeleteRule *string

	Options string
	Created string
	Updated string
}

// row returns the stored form of c, secrets included.
func (c *Collection) row() row {
	r := row{
		ID: c.ID, System: c.System, Type: string(c.Type), Name: c.Name,
		Fields:   string(appendFields(nil, c.Fields)),
		Indexes:  string(appendTexts(nil, c.Indexes)),
		ListRule: c.ListRule, ViewRule: c.ViewRule,
		CreateRule: c.CreateRule, UpdateRule: c.UpdateRule, DeleteRule: c.DeleteRule,
		Options: "{}", Created: c.Created, Updated: c.Updated,
	}
	switch {
	case c.Type == Auth && c.Auth != nil:
		r.Options = string(appendJSON(nil, c.Auth))
	case c.Type == View:
		r.Options = string(appendJSON(nil, map[string]string{"viewQuery": c.ViewQuery}))
	}
	return r
}

// fromRow reads a stored collection. Empty texts are empty values, unknown keys are dropped, missing ones are zero; an
// unknown type of field and text that is not JSON are errors.
func fromRow(r row) (*Collection, error) {
	c := &Collection{
		ID: r.ID, System: r.System, Type: Type(r.Type), Name: r.Name,
		ListRule: r.ListRule, ViewRule: r.ViewRule,
		CreateRule: r.CreateRule, UpdateRule: r.UpdateRule, DeleteRule: r.DeleteRule,
		Created: r.Created, Updated: r.Updated,
	}
	var fields fieldList
	if err := decodeStored(r.Fields, &fields); err != nil {
		return nil, fmt.Errorf("collection %q: fields: %w", r.Name, err)
	}
	c.Fields = fields.list
	if err := decodeStored(r.Indexes, &c.Indexes); err != nil {
		return nil, fmt.Errorf("collection %q: indexes: %w", r.Name, err)
	}
	var options struct {
		ViewQuery string `json:"viewQuery"`
	}
	var target any = &options
	if c.Type == Auth {
		c.Auth = &AuthOptions{}
		target = c.Auth
	}
	if err := decodeStored(r.Options, target); err != nil {
		return nil, fmt.Errorf("collection %q: options: %w", r.Name, err)
	}
	if c.Type == View {
		c.ViewQuery = options.ViewQuery
	}
	return c, nil
}

func decodeStored(text string, v any) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

// checksumID returns the id that a collection of that type and name gets when none was sent and it is free.
func checksumID(t Type, name string) string {
	return "pbc_" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(string(t)+name))), 10)
}

// generateID returns checksumID, followed by the first number from 2 that makes it differ from all ids in use.
func generateID(t Type, name string, taken func(id string) bool) string {
	base := checksumID(t, name)
	id := base
	for n := 2; taken(id); n++ {
		id = base + strconv.Itoa(n)
	}
	return id
}
