package expand

import (
	"regexp"
	"sort"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
)

// maxDepth is how many steps of an expand path count; the rest of a longer path is left out.
const maxDepth = 6

// Step is one step of the expands of an answer: a relation field, or a back relation.
type Step struct {
	name     string // the key under "expand"
	field    *schema.RelationField
	back     bool
	target   *schema.Collection // what the step leads to; a polymorphic relation has a step for each
	many     bool               // the answer is a list
	children []*Step
}

// oldBackRelation is the form "collection(field)" that old clients send.
var oldBackRelation = regexp.MustCompile(`^(\w+)\((\w+)\)$`)

// Steps reads an expand parameter for a collection. nil means that nothing can be expanded, so that the answer has no
// key "expand" at all. A path fails as a whole and silently; [Check] bounds how many there are.
func (x *Answer) Steps(c *schema.Collection, expand string) []*Step {
	if expand == "" {
		return nil
	}
	paths := splitPaths(expand)
	var root Step
	for i, path := range paths {
		if contained(paths, i) {
			continue
		}
		if steps := x.follow(c, path); steps != nil {
			root.merge(steps)
		}
	}
	if repeats(root.children, make(map[string]bool, 2)) {
		x.seen = make(map[recordKey]*Node)
	}
	return root.children
}

// splitPaths splits the parameter into paths of step names.
func splitPaths(expand string) [][]string {
	var paths [][]string
	for _, p := range strings.Split(strings.ReplaceAll(expand, " ", ""), ",") {
		if p = strings.Trim(p, "."); p == "" {
			continue
		}
		parts := strings.Split(p, ".")
		paths = append(paths, parts[:min(len(parts), maxDepth)])
	}
	return paths
}

// contained tells whether path i is the beginning of a longer one: it then stands or falls with that one.
func contained(paths [][]string, i int) bool {
	own := strings.Join(paths[i], ".") + "."
	for j, p := range paths {
		other := strings.Join(p, ".") + "."
		if j != i && len(other) > len(own) && strings.HasPrefix(other, own) {
			return true
		}
	}
	return false
}

// follow resolves a path, nil when one of its steps leads nowhere or to a collection that the caller may not view. It
// returns the first step, of a polymorphic relation one for each collection, with what follows below.
func (x *Answer) follow(c *schema.Collection, path []string) []*Step {
	if f, targets := x.targets(c, path[0]); f != nil {
		return x.branchOut(f, targets, path[1:])
	}
	s := x.step(c, path[0])
	if s == nil || !x.mayView(s.target) {
		return nil
	}
	if len(path) > 1 {
		if s.children = x.follow(s.target, path[1:]); s.children == nil {
			return nil
		}
	}
	return []*Step{s}
}

// mayView tells whether the view rule of c can let the caller see anything.
func (x *Answer) mayView(c *schema.Collection) bool { return c.ViewRule != nil || x.o.Superuser }

// follows tells whether the caller may be led along a relation: one that is hidden would show what it holds, in either
// direction.
func (x *Answer) follows(rel *schema.RelationField) bool { return x.o.Hidden || !rel.Hidden }

func (x *Answer) step(c *schema.Collection, name string) *Step {
	if rel, ok := c.Field(name).(*schema.RelationField); ok {
		if !x.follows(rel) {
			return nil
		}
		target := x.o.Catalogue.ByID(rel.CollectionID)
		if target == nil {
			return nil
		}
		return &Step{name: name, field: rel, target: target, many: rel.Multiple()}
	}
	source, field, found := strings.Cut(name, "_via_")
	if m := oldBackRelation.FindStringSubmatch(name); m != nil {
		source, field, found = m[1], m[2], true
	}
	if !found {
		return nil
	}
	target := x.o.Catalogue.Find(source)
	if target == nil {
		return nil
	}
	rel, ok := target.Field(field).(*schema.RelationField)
	if !ok || rel.CollectionID != c.ID || !x.follows(rel) {
		return nil
	}
	_, unique := target.UniqueIndex(field)
	return &Step{name: name, field: rel, back: true, target: target, many: rel.Multiple() || !unique}
}

// merge adds steps with what is below them, sorted by key.
func (s *Step) merge(steps []*Step) {
next:
	for _, p := range steps {
		for _, child := range s.children {
			if child.name == p.name && child.target == p.target {
				child.merge(p.children)
				continue next
			}
		}
		s.children = append(s.children, p)
		sort.Slice(s.children, func(i, j int) bool { return s.children[i].name < s.children[j].name })
	}
}

// Leads tells whether any of the steps leads to a collection that is looked for.
func Leads(steps []*Step, looked func(c *schema.Collection) bool) bool {
	for _, s := range steps {
		if looked(s.target) || Leads(s.children, looked) {
			return true
		}
	}
	return false
}

// CutOff tells whether steps were left out because there were too many: then it is not known where all of them lead.
func (x *Answer) CutOff() bool { return x.fanned == maxPolymorphicSteps }
