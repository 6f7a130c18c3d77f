package expand_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
)

// memory is a source of records that are in memory: their relations by collection, id and field.
type memory struct {
	x     *expand.Answer
	held  map[string]map[string]map[string][]string
	reads []string
}

// Related implements expand.Source.
func (m *memory) Related(q expand.Query) ([]*expand.Node, error) {
	m.reads = append(m.reads, fmt.Sprintf("%s%v", q.Collection.Name, q.IDs))
	rows := m.x.Rows()
	for _, id := range m.find(q) {
		if err := rows.Next(); err != nil {
			return nil, err
		}
		m.add(&rows, q.Collection, id, q.Relations)
	}
	return rows.Nodes(), nil
}

// find lists the ids of the records that are asked for, in order.
func (m *memory) find(q expand.Query) (ids []string) {
	for id, fields := range m.held[q.Collection.Name] {
		wanted := slices.Contains(q.IDs, id)
		if q.Via != nil {
			wanted = slices.ContainsFunc(fields[q.Via.Name], func(to string) bool { return slices.Contains(q.IDs, to) })
		}
		if wanted {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *memory) add(rows *expand.Rows, c *schema.Collection, id string, fields []*schema.RelationField) {
	related := rows.Related(len(fields))
	for i, f := range fields {
		related[i] = expand.Related{Field: f.Name, IDs: m.held[c.Name][id][f.Name]}
	}
	text := append(rows.Buffer(), `{"id":"`+id+`"}`...)
	rows.Add(c, id, related, text, len(text)-len(`"id":"`+id+`"}`))
}

// show answers one record of a collection.
func (m *memory) show(t *testing.T, o expand.Options, c *schema.Collection, id, param string) (string, error) {
	t.Helper()
	m.x, m.reads = new(expand.Answer), nil
	o.Source = m
	m.x.Begin(t.Context(), o)
	defer m.x.Release()
	steps := m.x.Steps(c, param)
	rows := m.x.Rows()
	m.add(&rows, c, id, m.x.Relations(c, steps))
	nodes := rows.Nodes()
	err := m.x.Expand(nodes, c, steps)
	return string(expand.AppendNodes(nil, nodes)), err
}

// library is people who wrote books: a book names its author, an author a friend.
func library() (books, people *schema.Collection, cat *schema.Catalogue, m *memory) {
	open := ""
	people = &schema.Collection{ID: "p", Name: "people", Type: schema.Base, ViewRule: &open}
	people.Fields = []schema.Field{&schema.RelationField{Common: schema.Common{Name: "friend"}, CollectionID: "p", MaxSelect: 1},
		&schema.RelationField{Common: schema.Common{Name: "enemy", Hidden: true}, CollectionID: "p", MaxSelect: 1}}
	books = &schema.Collection{ID: "b", Name: "books", Type: schema.Base}
	books.Fields = []schema.Field{&schema.RelationField{Common: schema.Common{Name: "authors"}, CollectionID: "p", MaxSelect: 9}}
	m = &memory{held: map[string]map[string]map[string][]string{
		"books":  {"b1": {"authors": {"ann", "bob", "gone"}}, "b2": {"authors": {"bob"}}},
		"people": {"ann": {"friend": {"bob"}, "enemy": {"bob"}}, "bob": {"friend": {"ann"}}},
	}}
	return books, people, schema.NewCatalogue(1, []*schema.Collection{books, people}), m
}

func TestExpand(t *testing.T) {
	books, people, cat, m := library()
	for _, tt := range []struct {
		name, id, param string
		o               expand.Options
		c               *schema.Collection
		want, reads     string
	}{
		{"nothing", "b1", "", expand.Options{}, books, `{"id":"b1"}`, ""},
		{"unknown field", "b1", "nobody", expand.Options{}, books, `{"id":"b1"}`, ""},
		{"a list, in its order", "b1", "authors", expand.Options{}, books,
			`{"expand":{"authors":[{"id":"ann"},{"id":"bob"}]},"id":"b1"}`, "people[ann bob gone]"},
		{"what an earlier step has read is not read again", "b1", "authors.friend", expand.Options{}, books,
			`{"expand":{"authors":[{"expand":{"friend":{"id":"bob"}},"id":"ann"},{"expand":{"friend":{"id":"ann"}},"id":"bob"}]},"id":"b1"}`,
			"people[ann bob gone]"},
		{"hidden", "ann", "enemy", expand.Options{}, people, `{"id":"ann"}`, ""},
		{"hidden, for who may", "ann", "enemy", expand.Options{Hidden: true}, people, `{"expand":{"enemy":{"id":"bob"}},"id":"ann"}`, "people[bob]"},
		{"back, without a view rule", "bob", "books_via_authors", expand.Options{}, people, `{"id":"bob"}`, ""},
		{"back", "bob", "books_via_authors", expand.Options{Superuser: true}, people,
			`{"expand":{"books_via_authors":[{"id":"b1"},{"id":"b2"}]},"id":"bob"}`, "books[bob]"},
		{"everything, each once", "b1", "", expand.Options{All: true}, books,
			`{"expand":{"authors":[{"expand":{"friend":{"id":"bob"}},"id":"ann"},{"expand":{"friend":{"id":"ann"}},"id":"bob"}]},"id":"b1"}`,
			"people[ann bob gone]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Catalogue = cat
			got, err := m.show(t, tt.o, tt.c, tt.id, tt.param)
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
			if reads := strings.Join(m.reads, " "); reads != tt.reads {
				t.Errorf("read %s, want %s", reads, tt.reads)
			}
		})
	}
}

func TestLeads(t *testing.T) {
	books, people, cat, m := library()
	m.x = new(expand.Answer)
	m.x.Begin(t.Context(), expand.Options{Catalogue: cat, Superuser: true})
	steps := m.x.Steps(people, "friend.books_via_authors")
	for c, want := range map[*schema.Collection]bool{books: true, people: true, {ID: "x"}: false} {
		if got := expand.Leads(steps, func(to *schema.Collection) bool { return to == c }); got != want {
			t.Errorf("leads to %s: %v", c.ID, got)
		}
	}
}
